"""`opsvi plugins`: which plugins there are, what they bring and what is wrong with them."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help="List plugins and the parts they bring.",
)


@app.command("list")
def list_plugins(ctx: typer.Context) -> None:
    """List every plugin with its state: ok, warning, broken or disabled.

    Examples:

    \b
      opsvi plugins list
      opsvi plugins list --json=name,status,error
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.plugin_host.listing import LIST_FIELDS, list_row
    from opsvi_cli.render.output import show_rows

    tolerant_settings(app)
    show_rows(app, [list_row(report) for report in app.plugins.reports()], LIST_FIELDS)
    app.plugins.check_strict()


@app.command("info")
def info(ctx: typer.Context, name: Annotated[str, typer.Argument(help="A plugin or its distribution.")]) -> None:
    """Show one plugin: its parts, hooks, API version and the time its import takes.

    Examples:

    \b
      opsvi plugins info opsvi
      opsvi plugins info opsvi --json | jq -r '.parts[].name'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.plugin_host.listing import find_report, info_record, info_text
    from opsvi_cli.render.output import show_record

    tolerant_settings(app)
    record = info_record(find_report(app.plugins.reports(), name))
    show_record(app, record, lambda: info_text(record))
