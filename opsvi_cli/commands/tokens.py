"""`opsvi tokens`: how much of a model's context a text takes, and what it costs."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)


@app.command(name="tokens")
def tokens(
    ctx: typer.Context,
    texts: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT|FILE]...", help="Texts or text files; - or nothing: stdin")
    ] = None,
    model: Annotated[
        str | None, typer.Option("-m", "--model", metavar="MODEL", help="provider/model, e.g. openai/gpt-5-mini")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option("--base-url", metavar="URL", help="An OpenAI-compatible server")
    ] = None,
) -> None:
    """Count the tokens of texts for a model: exactly where its server can tell, else as an estimate marked ~.

    An argument that names a file stands for the file's text. Without a model, the count is an estimate.

    Examples:

    \b
      opsvi tokens notes.md -m openai/gpt-5-mini
      git diff | opsvi tokens -m anthropic/claude-sonnet-5-5 --json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.token_report import token_report
    from opsvi_cli.render.tokens import show_tokens

    show_tokens(app, token_report(app, texts or ["-"], model, base_url))
