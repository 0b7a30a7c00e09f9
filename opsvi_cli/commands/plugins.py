"""`opsvi plugins`: which plugins there are, what they bring, putting them in and taking them out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from opsvi_cli.context import AppContext

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opsvi_cli.errors import OpsviError
    from opsvi_cli.plugin_host.install.actions import Installed
    from opsvi_cli.plugin_host.install.plans import Plan

HELP = """Install, list, check and remove plugins.

Examples:

\b
  opsvi plugins list
  opsvi plugins install opsvi-anthropic
"""
app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help=HELP,
)

FindLinks = Annotated[
    list[str] | None,
    typer.Option("--find-links", metavar="DIR", help="Also look for wheels in this folder or page; repeatable"),
]
IndexUrl = Annotated[str, typer.Option("--index-url", metavar="URL", help="Use this package index")]
NoIndex = Annotated[bool, typer.Option("--no-index", help="Ask no package index: only --find-links")]
DryRun = Annotated[bool, typer.Option("-n", "--dry-run", help="Say what would be done, and do nothing")]


@app.command("list")
def list_plugins(ctx: typer.Context) -> None:
    """List every plugin with its state: ok, warning, broken, disabled or missing.

    Examples:

    \b
      opsvi plugins list
      opsvi plugins list --json=name,status,error
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.plugin_host.listing import LIST_FIELDS, all_reports, list_row
    from opsvi_cli.render.output import show_rows

    tolerant_settings(app)
    show_rows(app, [list_row(report) for report in all_reports(app)], LIST_FIELDS)
    app.plugins.check_strict()


@app.command("info")
def info(ctx: typer.Context, name: Annotated[str, typer.Argument(help="A plugin or its distribution.")]) -> None:
    """Show one plugin: parts, hooks, API version, import time, licence, what it asks for, how it was installed.

    Examples:

    \b
      opsvi plugins info opsvi
      opsvi plugins info opsvi --json | jq -r '.parts[].name'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.plugin_host.details import details_of
    from opsvi_cli.plugin_host.listing import all_reports, find_report, info_record, info_text
    from opsvi_cli.render.output import show_record

    tolerant_settings(app)
    report = find_report(all_reports(app), name)
    record = info_record(report, details_of(report, app.paths))
    show_record(app, record, lambda: info_text(record))


@app.command("check")
def check(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A plugin or its distribution; or a module or path as in OPSVI_PLUGINS.")],
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail as well")] = False,
) -> None:
    """Load a plugin in a process with limits and hold its parts to their contracts; exit 7 when it does not pass.

    Parts that ask a server are tried with the settings you have; without a key or a server they are skipped.

    Examples:

    \b
      opsvi plugins check subtitles
      opsvi plugins check ./my_plugin.py --strict
      opsvi plugins check subtitles --json | jq '.[] | select(.status == "failed")'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.plugin_host.check import CHECK_FIELDS, check_plugin, failure
    from opsvi_cli.render.output import pick, show_rows

    pick(app, dict.fromkeys(CHECK_FIELDS), CHECK_FIELDS)
    tolerant_settings(app)
    rows = list(check_plugin(app, name))
    show_rows(app, app.redactor.redact_data([asdict(row) for row in rows]), CHECK_FIELDS)
    if error := failure(name, rows, strict=strict):
        raise error


@app.command("install")
def install(
    ctx: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="WHAT...", help="A name, a folder, a wheel, or git+URL")],
    isolated: Annotated[bool, typer.Option("--isolated", help="Into an environment and process of its own")] = False,
    upgrade: Annotated[bool, typer.Option("-U", "--upgrade", help="Take the newest version")] = False,
    pre: Annotated[bool, typer.Option("--pre", help="Also versions before a release")] = False,
    find_links: FindLinks = None,
    index_url: IndexUrl = "",
    no_index: NoIndex = False,
    dry_run: DryRun = False,
) -> None:
    """Install plugins the way opsvi itself was installed; says what they are and what runs, and asks first.

    What is there before the plugin has been tried is what is there after it failed to load. opsvi itself is neither
    upgraded nor downgraded.

    Examples:

    \b
      opsvi plugins install opsvi-sentence-transformers
      opsvi plugins install ./my-plugin --dry-run
      opsvi plugins install opsvi-thing --find-links wheels --no-index --yes
      opsvi plugins install git+https://example.org/me/opsvi-thing@v1.2 --isolated
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.plugin_host.install.actions import perform
    from opsvi_cli.plugin_host.install.asked import Options
    from opsvi_cli.plugin_host.install.plans import planned
    from opsvi_cli.plugin_host.install.record import changing
    from opsvi_cli.plugin_host.install.wanted import read_all

    tolerant_settings(app)
    options = Options(tuple(find_links or ()), index_url, no_index, upgrade, pre).resolved(app.cwd)
    wanted = read_all(app, what, isolated=isolated)
    with changing(app.paths), planned(app, wanted, options) as plan:
        _carry_out(app, plan, "install", lambda: (perform(app, plan), []), dry_run=dry_run)


@app.command("uninstall")
def uninstall(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Plugins or their distributions")],
    dry_run: DryRun = False,
) -> None:
    """Remove plugins the way opsvi itself was installed; asks first.

    Examples:

    \b
      opsvi plugins uninstall opsvi-sentence-transformers
      opsvi plugins uninstall opsvi-thing --yes
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.plugin_host.install.actions import remove
    from opsvi_cli.plugin_host.install.record import changing
    from opsvi_cli.plugin_host.install.removal import planned_removal
    from opsvi_cli.plugin_host.install.showing import removal_record, removal_text
    from opsvi_cli.render.output import message, show_record

    tolerant_settings(app)
    with changing(app.paths):
        removal = planned_removal(app, names)
        if dry_run:
            show_record(app, removal_record(removal, dry_run=True), lambda: removal_text(removal))
            return
        message(app, removal_text(removal))
        app.confirm(f"Remove {', '.join(removal.names())}?")
        remove(app, removal)
        show_record(app, removal_record(removal, dry_run=False), lambda: "")
        message(app, f"removed {', '.join(removal.names())}")


@app.command("freeze")
def freeze(ctx: typer.Context) -> None:
    """Print what was installed, pinned, as a requirements file that `restore` reads.

    Examples:

    \b
      opsvi plugins freeze > plugins.txt
      opsvi plugins freeze --json=name,version
    """
    app: AppContext = ctx.obj
    from opsvi_cli.plugin_host.install.record import FREEZE_FIELDS, read_record
    from opsvi_cli.render.output import show_rows, write

    recorded = read_record(app.paths)
    if app.options.machine:
        show_rows(app, [each.row() for each in recorded], FREEZE_FIELDS)
    else:
        write(app, "".join(f"{each.line()}\n" for each in recorded))


@app.command("restore")
def restore(
    ctx: typer.Context,
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE|-]", help="A requirements file; none: what was installed and is gone")
    ] = None,
    find_links: FindLinks = None,
    index_url: IndexUrl = "",
    no_index: NoIndex = False,
    dry_run: DryRun = False,
) -> None:
    """Bring back the plugins that an upgrade of opsvi has lost, or those that a file names; asks first.

    Examples:

    \b
      opsvi plugins restore
      opsvi plugins restore plugins.txt --yes
      ssh other opsvi plugins freeze | opsvi plugins restore - --yes
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.plugin_host.install.actions import perform_each
    from opsvi_cli.plugin_host.install.asked import Options
    from opsvi_cli.plugin_host.install.plans import planned
    from opsvi_cli.plugin_host.install.record import changing
    from opsvi_cli.plugin_host.install.wanted import to_restore

    tolerant_settings(app)
    options = Options(tuple(find_links or ()), index_url, no_index).resolved(app.cwd)
    with changing(app.paths):
        wanted, failed = to_restore(app, file)
        with planned(app, wanted, options, keep=True, failed=failed) as plan:
            error = _carry_out(
                app, plan, "restore", lambda: perform_each(app, plan, wanted, options), dry_run=dry_run, failed=failed
            )
    if error is not None:
        raise error


@app.command("enable")
def enable(ctx: typer.Context, name: Annotated[str, typer.Argument(help="A plugin or its distribution")]) -> None:
    """Load a plugin again: takes it out of plugins.disabled in your settings.

    Examples:

    \b
      opsvi plugins enable subtitles
    """
    app: AppContext = ctx.obj
    from opsvi_cli.plugin_host.switching import enable
    from opsvi_cli.render.output import message

    message(app, f"enabled {name}" if enable(app, name) else f"{name} is not disabled")


@app.command("disable")
def disable(ctx: typer.Context, name: Annotated[str, typer.Argument(help="A plugin or its distribution")]) -> None:
    """Leave a plugin where it is and load it no more: adds it to plugins.disabled in your settings.

    Examples:

    \b
      opsvi plugins disable subtitles
    """
    app: AppContext = ctx.obj
    from opsvi_cli.plugin_host.switching import disable
    from opsvi_cli.render.output import message

    message(app, f"disabled {name}" if disable(app, name) else f"{name} is disabled already")


def _carry_out(
    app: AppContext,
    plan: Plan,
    action: str,
    perform: Callable[[], tuple[Sequence[Installed], Sequence[OpsviError]]],
    *,
    dry_run: bool,
    failed: Sequence[OpsviError] = (),
) -> OpsviError | None:
    """Show the plan, ask, do it, show what was done; gives the error that the run is to end with."""
    from opsvi_cli.plugin_host.install.showing import done_text, outcome, plan_record, plan_text
    from opsvi_cli.render.output import message, show_record

    if dry_run:
        show_record(app, plan_record(plan, action, dry_run=True), lambda: app.redactor.redact(plan_text(plan)))
        return outcome([], failed)
    if plan.items:
        message(app, plan_text(plan))
    if not plan.empty:
        app.confirm(f"Install {', '.join(item.name or item.facts.asked.text for item in plan.changing)}?")
    done, more = perform()
    show_record(app, plan_record(plan, action, dry_run=False, done=done), lambda: "")
    for error in (*failed, *more):
        message(app, f"failed: {error.message}")
    message(app, done_text(done) or "nothing was installed")
    return outcome(done, [*failed, *more])
