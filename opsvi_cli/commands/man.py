"""`opsvi man`: the manual page, made from the same definitions as the help."""

from __future__ import annotations

import typer

from opsvi_cli.context import AppContext

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def man(ctx: typer.Context) -> None:
    """Print the manual page (roff).

    Examples:

    \b
      opsvi man | man -l -
    """
    app: AppContext = ctx.obj
    from opsvi_cli.manual import manual_page
    from opsvi_cli.render.output import write

    write(app, manual_page())
