"""`opsvi search`: the passages that match, without a model."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import UsageError

from .search_options import Collection, DenseWeight, Fusion, Mode, Rerank, Top, Where

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)


@app.command(name="search")
def search(
    ctx: typer.Context,
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="What to look for; - or nothing: read from stdin")
    ] = None,
    collection: Collection = None,
    top: Top = None,
    mode: Mode = None,
    where: Where = None,
    fusion: Fusion = None,
    dense_weight: DenseWeight = None,
    rerank: Rerank = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="FILE", help="JSONL of {id, text}: a line of hits for each; - stdin"),
    ] = None,
) -> None:
    """Find the passages that match, without a model.

    Examples:

    \b
      opsvi search "disk full" -k 3
      opsvi search backup --where 'year >= 2024' --json
      opsvi search --batch questions.jsonl > hits.jsonl
    """
    app: AppContext = ctx.obj
    from opsvi_cli.rag.search import SearchOptions, search, search_many
    from opsvi_cli.rag.where import parse_where
    from opsvi_cli.render.hits import FIELDS, show_hits
    from opsvi_cli.render.output import pick

    options = SearchOptions(
        collection=collection,
        k=top,
        mode=mode,
        where=parse_where(where) if where else None,
        fusion=fusion,
        dense_weight=dense_weight,
        rerank=rerank,
    )
    if batch is not None:
        if text is not None:
            raise UsageError("a text and --batch do not go together", hint="opsvi search --batch FILE.jsonl")
        from opsvi_cli.rag.search_batch import read_queries
        from opsvi_cli.render.batches import show_batch

        show_batch(app, search_many(app, read_queries(app, batch), options))
        return
    wanted = app.read_stdin() if text in (None, "-") else text
    if wanted is None or not wanted.strip():
        raise UsageError("there is nothing to look for", hint='opsvi search "disk full"')
    pick(app, dict.fromkeys(FIELDS), FIELDS)
    hits = search(app, wanted, options)
    show_hits(app, wanted, hits, empty="nothing found; `opsvi collections list` shows what has been ingested")
