"""`opsvi chat`: a conversation over a collection or with a model."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import UsageError

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)


@app.command(name="chat")
def chat(
    ctx: typer.Context,
    collection: Annotated[str | None, typer.Option("-c", "--collection", help="Collection to talk about")] = None,
    top: Annotated[int | None, typer.Option("-k", "--top", min=1, help="How many passages are read a turn")] = None,
    where: Annotated[str | None, typer.Option("--where", help="Only documents like this: opsvi help filters")] = None,
    model: Annotated[str | None, typer.Option("-m", "--model", help="provider/model")] = None,
    base_url: Annotated[str | None, typer.Option("--base-url", help="An OpenAI-compatible server")] = None,
    session: Annotated[str | None, typer.Option("--session", help="Session to go on with or begin: ID or NAME")] = None,
    resume: Annotated[bool, typer.Option("--continue", help="Go on with the last session")] = False,
    system: Annotated[str, typer.Option("--system", help="Instructions put before opsvi's own")] = "",
    retrieval: Annotated[bool, typer.Option("--retrieval/--no-retrieval", help="Search the collection a turn")] = True,
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Show answers as they come")] = True,
    no_llm: Annotated[bool, typer.Option("--no-llm", help="Call no model: the sources' own sentences")] = False,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="Longest answer")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", min=0, help="0: always the same")] = None,
) -> None:
    """Talk with a collection or a model. In a pipe, each line is a message; sessions are kept.

    Examples:

    \b
      opsvi chat
      opsvi chat --continue
      echo "who is on call on Sundays?" | opsvi chat --jsonl
    """
    app: AppContext = ctx.obj
    import contextlib

    from opsvi_cli.rag.answers import QueryOptions
    from opsvi_cli.rag.chat import ChatOptions, Conversation
    from opsvi_cli.rag.search import SearchOptions
    from opsvi_cli.rag.where import parse_where
    from opsvi_cli.render.chat import Chat
    from opsvi_cli.render.output import message

    if session is not None and resume:
        raise UsageError("--session and --continue exclude each other", hint="--continue takes the last session")
    options = ChatOptions(
        query=QueryOptions(
            search=SearchOptions(collection=collection, k=top, where=parse_where(where) if where else None),
            model=model,
            base_url=base_url,
            extractive=no_llm,
            system=system,
            stream=stream,
            temperature=temperature,
            max_tokens=max_tokens,
        ),
        session=session,
        resume_last=resume,
        retrieval=retrieval,
    )
    with contextlib.closing(Conversation(app, options, lambda note: message(app, note))) as conversation:
        loop = Chat(app, conversation, stream=stream)
        if app.is_terminal(app.stdin) and app.is_terminal(app.out) and not app.options.machine:
            loop.on_terminal()
        else:
            loop.on_pipe()
