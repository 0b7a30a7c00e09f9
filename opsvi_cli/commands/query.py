"""`opsvi query`: an answer from a collection, with citations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from opsvi_cli.context import AppContext

from .model_options import (
    BaseUrl,
    Cache,
    Fallback,
    Log,
    Markdown,
    MaxCost,
    MaxTokens,
    Model,
    Pii,
    Retries,
    Stream,
    Temperature,
    set_model_flags,
)
from .prompt_options import Schema
from .search_options import Collection, DenseWeight, Fusion, Mode, Rerank, Top, Where

if TYPE_CHECKING:
    from opsvi_cli.rag.answers import QueryOptions

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)

System: TypeAlias = Annotated[
    str, typer.Option("--system", metavar="TEXT", help="Instructions before opsvi's own, or @FILE")
]
Template: TypeAlias = Annotated[
    str | None, typer.Option("--template", metavar="FILE", help="Jinja2 file: question, sources")
]


@app.command(name="query")
def query(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="The question", metavar="TEXT")],
    collection: Collection = None,
    top: Top = None,
    mode: Mode = None,
    where: Where = None,
    fusion: Fusion = None,
    dense_weight: DenseWeight = None,
    rerank: Rerank = None,
    model: Model = None,
    base_url: BaseUrl = None,
    system: System = "",
    template: Template = None,
    schema: Schema = None,
    stream: Stream = True,
    no_llm: Annotated[bool, typer.Option("--no-llm", help="Call no model: the sources' own sentences")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 6 when a sentence has no support")] = False,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    fallback: Fallback = None,
    retries: Retries = None,
    cache: Cache = None,
    max_cost: MaxCost = None,
    log: Log = None,
    pii: Pii = None,
    markdown: Markdown = None,
) -> None:
    """Answer a question from a collection, with citations that are checked. Piped text is one more source.

    Examples:

    \b
      opsvi query "who is on call on Sundays?"
      opsvi query "how long are backups kept?" -m openai/gpt-5-mini --strict --cache --max-cost 0.05
      cat incident.log | opsvi query "what failed first?" --json
    """
    app: AppContext = ctx.obj
    set_model_flags(
        app, fallback=fallback, retries=retries, cache=cache, max_cost=max_cost, log=log, pii=pii, markdown=markdown
    )
    from opsvi_cli.rag.answers import QueryOptions
    from opsvi_cli.rag.search import SearchOptions
    from opsvi_cli.rag.where import parse_where
    from opsvi_cli.render.answers import show_query

    only = parse_where(where) if where else None
    options = QueryOptions(
        search=SearchOptions(collection, top, mode, only, fusion, dense_weight, rerank),
        model=model,
        base_url=base_url,
        extractive=no_llm,
        system=system,
        stream=stream,
        temperature=temperature,
        max_tokens=max_tokens,
        piped=app.read_stdin(),
    )
    show_query(app, text, _with_files(app, options, template, schema), strict=strict)


def _with_files(app: AppContext, options: QueryOptions, template: str | None, schema: str | None) -> QueryOptions:
    from pathlib import Path

    from opsvi_cli.foundation.files import read_text
    from opsvi_cli.llm.json_answers import read_schema
    from opsvi_cli.llm.prompting import read_system

    return replace(
        options,
        system=read_system(options.system, app.cwd) or "",
        template=read_text(Path(app.cwd, template), f"--template {template}") if template else None,
        schema=read_schema(schema, app.cwd) if schema else None,
    )
