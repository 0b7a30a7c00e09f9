"""`opsvi recipe`: what `new-library --with FEATURE` adds, to read or to copy from."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.callback()
def group() -> None:
    """Read what `new-library --with` adds to a library.

    Examples:

    \b
      opsvi recipe show retry
    """


@app.command("show")
def show(ctx: typer.Context, feature: Annotated[str, typer.Argument(help="A feature, e.g. retry")]) -> None:
    """Print one feature as Markdown: its libraries, its code, its tests, its page.

    Examples:

    \b
      opsvi recipe show retry
      opsvi recipe show storage --json | jq -r '.files[].path'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.render.output import show_record
    from opsvi_cli.scaffold.catalog import RECIPE_FIELDS, recipe, recipe_text

    record = recipe(feature)
    show_record(app, record, lambda: recipe_text(record), fields=RECIPE_FIELDS)
