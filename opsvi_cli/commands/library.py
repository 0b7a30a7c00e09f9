"""`opsvi library`: look after a library that `new-library` made."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError, PartialError

HELP = """Look after a library: structure, dependencies, its template.

Examples:

\b
  opsvi library check
  opsvi library update
"""
app = typer.Typer(rich_markup_mode=None, add_completion=False, help=HELP)

Folder = Annotated[str, typer.Argument(metavar="[FOLDER]", help="A folder in the library")]


@app.command("info")
def info(ctx: typer.Context, folder: Folder = ".") -> None:
    """Show how a library was made, and what the template makes of it today.

    Examples:

    \b
      opsvi library info
      opsvi library info ocean-data --json=template,version,latest
    """
    app: AppContext = ctx.obj
    from opsvi_cli.render.output import show_record
    from opsvi_cli.scaffold.information import info_text, library_info

    record = library_info(app, folder)
    show_record(app, record, lambda: info_text(record))


@app.command("check")
def check(
    ctx: typer.Context,
    folder: Folder = ".",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail as well")] = False,
) -> None:
    """Check the structure: missing files, odd folders, imports against the direction, versions that drifted.

    Examples:

    \b
      opsvi library check
      opsvi library check ocean-data --strict --json
    """
    app: AppContext = ctx.obj
    from dataclasses import asdict

    from opsvi_cli.render.output import message, show_rows
    from opsvi_cli.scaffold.structure import FINDING_FIELDS, check_library

    project, findings = check_library(app, folder)
    show_rows(app, [asdict(one) for one in findings], FINDING_FIELDS)
    failing = [one for one in findings if strict or one.level == "error"]
    if failing:
        raise OpsviError(
            f"{project.record.name}: {len(failing)} of {len(findings)} findings fail", hint="opsvi library info"
        )
    message(app, f"{project.record.name}: the structure is sound")


@app.command("deps")
def deps(
    ctx: typer.Context,
    folder: Folder = ".",
    write: Annotated[bool, typer.Option("--write", help="Raise the lower bounds to the newest versions")] = False,
) -> None:
    """Show each dependency: lower bound, locked and newest version; works in any project with a pyproject.toml.

    Examples:

    \b
      opsvi library deps
      opsvi library deps --json=name,floor,latest,status
      opsvi library deps --write
    """
    app: AppContext = ctx.obj
    from dataclasses import asdict

    from opsvi_cli.render.output import message, show_rows
    from opsvi_cli.scaffold.dependencies import DEPENDENCY_FIELDS, dependencies, raise_floors

    path, found = dependencies(app, folder)
    changed = raise_floors(path, found) if write else []
    raised = {(one.group, one.name): one for one in changed}
    rows = [asdict(raised.get((one.group, one.name), one)) for one in found]
    show_rows(app, rows, DEPENDENCY_FIELDS)
    if write:
        message(app, f"raised {len(changed)} of {len(found)} lower bounds in {path}")


@app.command("update")
def update_library(
    ctx: typer.Context,
    folder: Folder = ".",
    answer: Annotated[
        list[str] | None, typer.Option("--answer", "-a", metavar="KEY=VALUE", help="Change an answer; may be repeated")
    ] = None,
    revision: Annotated[str, typer.Option(metavar="REVISION", help="Of a template in git: the revision to go to")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would change")] = False,
) -> None:
    """Bring a library to the present template; your changes stay, what clashes is marked and ends in exit code 3.

    Examples:

    \b
      opsvi library update --dry-run
      opsvi library update && git diff
    """
    app: AppContext = ctx.obj
    from opsvi_cli.render.scaffolding import show_updated
    from opsvi_cli.scaffold.answers import split_answer
    from opsvi_cli.scaffold.update import update

    given = dict(split_answer(text) for text in answer or ())
    done = update(app, folder, given, revision=revision, dry_run=dry_run)
    show_updated(app, done)
    if done.conflicts:
        hint = "git diff shows them; git checkout . takes the update back" if done.written else "opsvi library update"
        raise PartialError(f"{done.conflicts} files need you", hint=hint)
