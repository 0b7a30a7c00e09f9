"""`opsvi embed`: texts to vectors."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)


@app.command(name="embed")
def embed(
    ctx: typer.Context,
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...", help="None: each line of stdin")] = None,
    embedder: Annotated[
        str | None, typer.Option("--embedder", metavar="NAME", help="Embedder; `opsvi plugins list` names them")
    ] = None,
) -> None:
    """Turn texts into vectors: one JSON line each, or one array with --json.

    Examples:

    \b
      opsvi embed "disk full" "no space left on device"
      cut -f2 tickets.tsv | opsvi embed > vectors.jsonl
      opsvi embed --json --embedder wordllama "disk full" | jq '.[0].embedding | length'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.rag.embedding import embed_lines
    from opsvi_cli.render.vectors import show_vectors

    show_vectors(app, embed_lines(app, texts or None, embedder or app.settings.embedder))
