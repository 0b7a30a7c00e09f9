"""`opsvi help`: help of a command, or a topic that is no command."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def show(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND...|TOPIC]", help="A command, or one of the topics")
    ] = None,
) -> None:
    """Show help for a command or a topic: environment, exit-codes, formatting, filters.

    Examples:

    \b
      opsvi help ingest
      opsvi help collections delete
      opsvi help exit-codes
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.help_topics import TOPICS, topic_text
    from opsvi_cli.render.pager import page

    tolerant_settings(app)
    if words and words[0] in TOPICS:
        page(app, topic_text(words[0]))
    elif not words:
        from opsvi_cli.help_text import root_help

        page(app, root_help())
    else:
        from opsvi_cli.app import dispatch

        dispatch([*words, "--help"], app)
