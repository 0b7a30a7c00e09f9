"""`opsvi query`: an answer from a collection, with citations."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from opsvi_cli.context import AppContext

Mode = Literal["hybrid", "dense", "keyword"]
Fusion = Literal["convex", "rrf"]
app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)


@app.command(name="query")
def query(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help="The question", metavar="TEXT")],
    collection: Annotated[str | None, typer.Option("-c", "--collection", help="Collection to answer from")] = None,
    top: Annotated[int | None, typer.Option("-k", "--top", min=1, help="How many passages are read")] = None,
    mode: Annotated[Mode | None, typer.Option("--mode", help="How passages are found")] = None,
    where: Annotated[str | None, typer.Option("--where", help="Only documents like this: opsvi help filters")] = None,
    fusion: Annotated[Fusion | None, typer.Option("--fusion", help="How scores are joined")] = None,
    dense_weight: Annotated[float | None, typer.Option("--dense-weight", min=0, max=1, help="0..1")] = None,
    rerank: Annotated[str | None, typer.Option("--rerank", help="Reranker to put the passages in order")] = None,
    model: Annotated[str | None, typer.Option("-m", "--model", help="provider/model")] = None,
    base_url: Annotated[str | None, typer.Option("--base-url", help="An OpenAI-compatible server")] = None,
    system: Annotated[str, typer.Option("--system", help="Instructions put before opsvi's own")] = "",
    template: Annotated[str | None, typer.Option("--template", help="Jinja2 file: question, sources")] = None,
    schema: Annotated[str | None, typer.Option("--schema", help="JSON Schema the answer follows")] = None,
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Show the answer as it comes")] = True,
    no_llm: Annotated[bool, typer.Option("--no-llm", help="Call no model: the sources' own sentences")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 6 when a sentence has no support")] = False,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="Longest answer")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", min=0, help="0: always the same")] = None,
) -> None:
    """Answer a question from a collection, with citations that are checked. Piped text is one more source.

    Examples:

    \b
      opsvi query "who is on call on Sundays?"
      opsvi query "how long are backups kept?" -m openai/gpt-5-mini --strict
      cat incident.log | opsvi query "what failed first?" --json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.json_answers import read_schema
    from opsvi_cli.rag.answer_prompt import read_template
    from opsvi_cli.rag.answers import QueryOptions
    from opsvi_cli.rag.search import SearchOptions
    from opsvi_cli.rag.where import parse_where
    from opsvi_cli.render.answers import show_query

    options = QueryOptions(
        search=SearchOptions(
            collection=collection,
            k=top,
            mode=mode,
            where=parse_where(where) if where else None,
            fusion=fusion,
            dense_weight=dense_weight,
            rerank=rerank,
        ),
        model=model,
        base_url=base_url,
        extractive=no_llm,
        system=system,
        template=read_template(template, app.cwd) if template else None,
        schema=read_schema(schema, app.cwd) if schema else None,
        stream=stream,
        temperature=temperature,
        max_tokens=max_tokens,
        piped=app.read_stdin(),
    )
    show_query(app, text, options, strict=strict)
