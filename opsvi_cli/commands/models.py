"""`opsvi models`: what models there are."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)


@app.command(name="models")
def models(
    ctx: typer.Context,
    provider: Annotated[str | None, typer.Argument(help="Only this provider, also when it is not set up")] = None,
) -> None:
    """List the models that can be used, of every provider that is set up.

    Examples:

    \b
      opsvi models
      opsvi models openai --json=id,context_window
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.models_report import FIELDS, collect
    from opsvi_cli.render.output import show_rows

    rows, failure = collect(app, provider)
    show_rows(
        app,
        rows,
        FIELDS,
        columns=("id", "capabilities", "context_window", "default"),
        empty="no provider lists a model",
    )
    if failure is not None:
        raise failure
