"""`opsvi chat`: a conversation over a collection or with a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import ExitCode, UsageError

from .chat_sessions import register
from .model_options import (
    MODEL_FLAGS,
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
from .prompt_options import OwnSystem, Tool
from .search_options import Collection, Top, Where

if TYPE_CHECKING:
    from opsvi_cli.rag.chat import ChatOptions

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False, invoke_without_command=True)
register(app)


@app.callback()
def chat(
    ctx: typer.Context,
    collection: Collection = None,
    top: Top = None,
    where: Where = None,
    model: Model = None,
    base_url: BaseUrl = None,
    session: Annotated[
        str | None, typer.Option("--session", metavar="SESSION", help="Session to go on with or begin: ID or NAME")
    ] = None,
    resume: Annotated[bool, typer.Option("--continue", help="Go on with the last session")] = False,
    system: OwnSystem = "",
    tool: Tool = None,
    retrieval: Annotated[bool, typer.Option("--retrieval/--no-retrieval", help="Search the collection a turn")] = True,
    stream: Stream = True,
    markdown: Markdown = None,
    no_llm: Annotated[bool, typer.Option("--no-llm", help="Call no model: the sources' own sentences")] = False,
    max_tokens: MaxTokens = None,
    temperature: Temperature = None,
    fallback: Fallback = None,
    retries: Retries = None,
    cache: Cache = None,
    max_cost: MaxCost = None,
    log: Log = None,
    pii: Pii = None,
) -> int:
    """Talk with a collection or a model. In a pipe, each line is a message; sessions are kept.

    Examples:

    \b
      opsvi chat
      opsvi chat -m openai/gpt-5-mini --tool calculator
      opsvi chat --continue
      echo "who is on call on Sundays?" | opsvi chat --jsonl
    """
    app: AppContext = ctx.obj
    if ctx.invoked_subcommand is not None:
        _refuse_options(ctx)
        return ExitCode.OK
    if session is not None and resume:
        raise UsageError("--session and --continue exclude each other", hint="--continue takes the last session")
    set_model_flags(app, **{name: value for name, value in ctx.params.items() if name in MODEL_FLAGS})
    from opsvi_cli.llm.prompting import read_system
    from opsvi_cli.rag.answers import QueryOptions
    from opsvi_cli.rag.chat import ChatOptions
    from opsvi_cli.rag.search import SearchOptions
    from opsvi_cli.rag.where import parse_where

    system = read_system(system, app.cwd) or ""
    search = SearchOptions(collection=collection, k=top, where=parse_where(where) if where else None)
    query = QueryOptions(search, model, base_url, extractive=no_llm, system=system, stream=stream)
    query = replace(query, temperature=temperature, max_tokens=max_tokens)
    return talk(app, ChatOptions(query, session, resume, retrieval, tuple(tool or ())))


def _refuse_options(ctx: typer.Context) -> None:
    """Options of a talk before a subcommand would be lost in silence."""
    given = [name for name in ctx.params if getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"]
    if given:
        called = f"opsvi chat {ctx.invoked_subcommand}"
        raise UsageError(f"--{given[0].replace('_', '-')} is no option of `{called}`", hint=f"{called} --help")


def talk(app: AppContext, options: ChatOptions) -> int:
    """On a terminal with a person, or over the lines of a pipe."""
    import contextlib
    from functools import partial

    from opsvi_cli.rag.chat import Conversation
    from opsvi_cli.render.chat import Chat, note_call
    from opsvi_cli.render.output import message

    conversation = Conversation(app, options, partial(message, app), partial(note_call, app))
    with contextlib.closing(conversation):
        loop = Chat(app, conversation, stream=options.query.stream)
        if app.is_terminal(app.stdin) and app.is_terminal(app.out) and not app.options.machine:
            loop.on_terminal()
            return ExitCode.OK
        return loop.on_pipe()
