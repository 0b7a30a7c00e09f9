"""`opsvi config`: read and change settings, and say which projects are trusted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError

if TYPE_CHECKING:
    from opsvi_cli.foundation.settings_edit import Target

HELP = """Read and change settings, and trust a project's own.

Examples:

\b
  opsvi config list --show-origin
  opsvi config set model openai/gpt-5-mini
"""
app = typer.Typer(
    help=HELP,
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=False,
)

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Name of a setting, e.g. retrieval.k")]
OriginFlag = Annotated[bool, typer.Option("--show-origin", help="Also say which layer the value comes from")]
ProjectFlag = Annotated[bool, typer.Option("--project", help="In the project's opsvi.toml, not the user's file")]


@app.command("get")
def get(ctx: typer.Context, key: KeyArgument, show_origin: OriginFlag = False) -> None:
    """Print the value of one setting, or of a table of them as JSON.

    Examples:

    \b
      opsvi config get model
      opsvi config get retrieval.k --show-origin
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.setting_types import UnknownKeyError, to_text
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.foundation.settings_edit import readable_key, unknown_setting
    from opsvi_cli.foundation.settings_view import row
    from opsvi_cli.render.output import show_record

    settings = tolerant_settings(app)
    _say_problems(app)
    path = readable_key(key)
    try:
        value = settings.value(path)
    except UnknownKeyError as error:
        raise unknown_setting(key, error) from None
    record = row(settings, path, value, app.redactor, _stored_names(app))

    def human() -> str:
        return to_text(record["value"]) + (f"\t{settings.origin(path)}" if show_origin else "") + "\n"

    show_record(app, record, human)


@app.command("list")
def list_settings(
    ctx: typer.Context,
    show_origin: OriginFlag = False,
    changed: Annotated[bool, typer.Option("--changed", help="Only what is not a default")] = False,
) -> None:
    """List every setting and its value; keys are never shown.

    Examples:

    \b
      opsvi config list --show-origin
      opsvi config list --changed --json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.foundation.settings_view import LIST_FIELDS, rows
    from opsvi_cli.render.output import show_rows

    settings = tolerant_settings(app)
    _say_problems(app)
    found = rows(settings, app.redactor, _stored_names(app))
    if changed:
        found = [row for row in found if row["origin"] != "default"]
    columns = LIST_FIELDS if show_origin else LIST_FIELDS[:2]
    show_rows(app, found, LIST_FIELDS, columns=columns, empty="Every setting has its default.")


@app.command("set")
def set_setting(
    ctx: typer.Context,
    key: KeyArgument,
    value: Annotated[str, typer.Argument(help="The value; lists with commas or as JSON")],
    project: ProjectFlag = False,
) -> None:
    """Change one setting in the user's file; with --profile NAME in that profile, with --config FILE in that file.

    Examples:

    \b
      opsvi config set model openai/gpt-4.1-mini
      opsvi config set retrieval.k 8 --project
      opsvi --profile work config set providers.openai.api_key env:WORK_KEY
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings_edit import set_value
    from opsvi_cli.render.output import message

    target = _target(app, project)
    with _keeping_trust(app, target.path):
        set_value(target, key, value)
    message(app, f"set {key} in {target.path}")


@app.command("unset")
def unset(ctx: typer.Context, key: KeyArgument, project: ProjectFlag = False) -> None:
    """Take one setting out of the file, so that the layer below counts again.

    Examples:

    \b
      opsvi config unset retrieval.k
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings_edit import unset_value
    from opsvi_cli.render.output import message

    target = _target(app, project)
    with _keeping_trust(app, target.path):
        unset_value(target, key)
    message(app, f"unset {key} in {target.path}")


@app.command("path")
def path(ctx: typer.Context, project: ProjectFlag = False) -> None:
    """Print the path of the settings file, whether it is there or not.

    Examples:

    \b
      opsvi config path
      cat "$(opsvi config path)"
    """
    app: AppContext = ctx.obj
    from opsvi_cli.render.output import show_record

    target = _target(app, project)
    show_record(app, {"path": str(target.path), "exists": target.path.exists()}, lambda: str(target.path))


@app.command("edit")
def edit(ctx: typer.Context, project: ProjectFlag = False) -> None:
    """Open the settings file in your editor (VISUAL, EDITOR), and check it afterwards.

    Examples:

    \b
      EDITOR=nano opsvi config edit
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings_editor import edit_file

    edit_file(app, _target(app, project).path)


@app.command("validate")
def validate(ctx: typer.Context) -> None:
    """Check every settings file and variable; exit 1 when something is wrong.

    Examples:

    \b
      opsvi config validate
      opsvi config validate --json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.render.output import message, show_rows

    settings = tolerant_settings(app)
    rows = [{"where": p.where, "key": p.key, "problem": p.message, "hint": p.hint} for p in settings.problems]
    show_rows(app, app.redactor.redact_data(rows), ("where", "key", "problem", "hint"))
    if rows:
        raise OpsviError(f"{len(rows)} wrong in the settings", hint=rows[0]["hint"])
    message(app, f"valid: {', '.join(map(str, settings.files)) or 'no settings files'}")


@app.command("schema")
def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of a settings file, for editors.

    Examples:

    \b
      opsvi config schema > opsvi.schema.json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings_view import json_schema
    from opsvi_cli.render.output import dump

    app.out.write(dump(json_schema(), indent=2) + "\n")


@app.command("trust")
def trust(ctx: typer.Context) -> None:
    """Accept the project's opsvi.toml as it is now; a later change needs trust again.

    Examples:

    \b
      cat opsvi.toml
      opsvi config trust
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.trust import nearest, plugins_named, trust
    from opsvi_cli.render.output import message

    file = nearest(app.cwd, app.env, app.paths)
    trust(file, app.paths, app.now())
    message(app, f"trusted as it is now: {file.path}")
    for plugin in plugins_named(file):
        message(app, f"it loads the plugin {plugin}, also after that has changed")


@app.command("untrust")
def untrust(ctx: typer.Context) -> None:
    """Take the trust in the project's opsvi.toml back.

    Examples:

    \b
      opsvi config untrust
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.trust import nearest, untrust
    from opsvi_cli.render.output import message

    file = nearest(app.cwd, app.env, app.paths)
    had = untrust(file.path, app.paths)
    message(app, f"no longer trusted: {file.path}" if had else f"was not trusted: {file.path}")


def _target(app: AppContext, project: bool) -> Target:
    from opsvi_cli.foundation.settings_edit import Target
    from opsvi_cli.foundation.trust import PROJECT_FILE, find_project_file

    profile = app.options.profile or ""
    if project:
        return Target(find_project_file(app.cwd, app.env) or Path(app.cwd) / PROJECT_FILE, profile)
    if app.options.config is not None:
        return Target(Path(app.cwd) / Path(app.options.config).expanduser(), profile)
    return Target(app.paths.settings_file, profile)


def _keeping_trust(app: AppContext, path: Path) -> Any:
    from opsvi_cli.foundation.trust import keeping_trust

    return keeping_trust(path, app.paths, app.now())


def _stored_names(app: AppContext) -> Any:
    from opsvi_cli.foundation.settings_view import stored_names

    return stored_names(app)


def _say_problems(app: AppContext) -> None:
    from opsvi_cli.render.output import message

    for problem in app.settings.problems:
        message(app, f"opsvi: {problem.where}: {problem.message}")
