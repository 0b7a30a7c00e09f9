"""`opsvi logs`: the prompts and answers of earlier calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from opsvi_cli.llm.call_log import Filter, LoggedCall

HELP = """List, show, search and remove the prompts and answers of earlier calls.

Examples:

\b
  opsvi logs list --since 7d
  opsvi logs show last --answer
  opsvi logs search "paper jam"
"""
app = typer.Typer(
    help=HELP,
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=False,
)

ModelOption: TypeAlias = Annotated[
    str | None,
    typer.Option("-m", "--model", metavar="MODEL", help="Only calls of this model, provider or provider/model"),
]
CommandOption: TypeAlias = Annotated[
    str | None, typer.Option("--command", metavar="COMMAND", help="Only calls made by this command")
]
SinceOption: TypeAlias = Annotated[
    str | None, typer.Option("--since", metavar="WHEN", help="Not older than: 7d, 12h, 2026-01-31, 2026-01-31T12:00")
]
LimitOption: TypeAlias = Annotated[int, typer.Option("-n", "--limit", min=1, help="How many")]


@app.command(name="list")
def list_calls(
    ctx: typer.Context,
    model: ModelOption = None,
    command: CommandOption = None,
    since: SinceOption = None,
    limit: LimitOption = 20,
) -> None:
    """List the calls that were logged, the newest first.

    Examples:

    \b
      opsvi logs list
      opsvi logs list -m openai --since 7d --json=time,model,prompt
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.call_log import opened
    from opsvi_cli.render.logs import show_list

    with opened(app) as log:
        show_list(app, list(log.entries(_filter(model, command, since), limit)))


@app.command(name="show")
def show(
    ctx: typer.Context,
    call: Annotated[str, typer.Argument(metavar="ID", help="An id, its beginning, or last")] = "last",
    answer: Annotated[bool, typer.Option("--answer", help="Only the answer")] = False,
    extract: Annotated[bool, typer.Option("-x", "--extract", help="Only the last code block of the answer")] = False,
) -> None:
    """Show one call: what was asked, what was answered, what it used.

    Examples:

    \b
      opsvi logs show
      opsvi logs show last --answer > answer.md
      opsvi logs show last -x > script.py
    """
    app: AppContext = ctx.obj
    from dataclasses import replace

    from opsvi_cli.llm.call_log import opened
    from opsvi_cli.render.logs import show_call, show_text

    with opened(app) as log:
        found = log.find(call)
    if extract:
        found = replace(found, answer=_last_block(found))
    if (answer or extract) and not app.options.machine:
        show_text(app, found.answer)
    else:
        show_call(app, found)


@app.command(name="search")
def search(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(help='Words of prompt or answer, all of them; word*, "several words"')],
    model: ModelOption = None,
    command: CommandOption = None,
    since: SinceOption = None,
    limit: LimitOption = 20,
) -> None:
    """Find logged calls by their words, the best match first.

    Examples:

    \b
      opsvi logs search "paper clip"
      opsvi logs search backup --since 30d --json=id,match
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.call_log import opened
    from opsvi_cli.render.logs import show_found

    with opened(app) as log:
        show_found(app, list(log.search(text, _filter(model, command, since), limit)))


@app.command(name="rm")
def remove(
    ctx: typer.Context,
    calls: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Ids, their beginnings, or last")] = None,
    older: Annotated[
        str | None, typer.Option("--older", metavar="WHEN", help="All calls older than: 30d, 12h, 2026-01-31")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All calls")] = False,
) -> None:
    """Remove logged calls for good.

    Their text does not stay in the file.

    Examples:

    \b
      opsvi logs rm last
      opsvi logs rm --older 30d --yes
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.moments import parse_moment
    from opsvi_cli.llm.call_log import opened
    from opsvi_cli.render.output import show_record

    if [bool(calls), older is not None, everything].count(True) != 1:
        raise UsageError("say which calls: ids, --older or --all", hint="opsvi logs rm --older 30d")
    before = None if calls else parse_moment(older, "--older") if older is not None else ""
    with opened(app) as log:
        ids = {log.find(name).id for name in calls or ()}
        count = len(ids) if before is None else log.count(before)
        if count:
            app.confirm(f"Remove {count} logged call{'' if count == 1 else 's'}?")
        removed = log.remove(sorted(ids), before) if count else 0
    show_record(app, {"removed": removed}, lambda: f"removed {removed} call{'' if removed == 1 else 's'}")


@app.command(name="export")
def export(
    ctx: typer.Context,
    format: Annotated[Literal["jsonl", "md"], typer.Option("--format", help="jsonl: every field; md: to read")] = (
        "jsonl"
    ),
    model: ModelOption = None,
    command: CommandOption = None,
    since: SinceOption = None,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write to this file, not stdout")] = "-",
) -> None:
    """Write logged calls out, the newest first.

    Examples:

    \b
      opsvi logs export -o calls.jsonl
      opsvi logs export --format md --since 2026-01-01 > calls.md
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.call_log import opened
    from opsvi_cli.render.logs import export_calls

    with opened(app) as log:
        export_calls(app, log.entries(_filter(model, command, since)), format, output)


def _last_block(call: LoggedCall) -> str:
    from opsvi_cli.llm.code_blocks import code_blocks

    if not (blocks := code_blocks(call.answer)):
        raise NotFoundError(f"the answer of {call.id} holds no code block", hint=f"opsvi logs show {call.id}")
    return blocks[-1].text


def _filter(model: str | None, command: str | None, since: str | None) -> Filter:
    from opsvi_cli.foundation.moments import parse_moment
    from opsvi_cli.llm.call_log import Filter

    return Filter(model or "", command or "", parse_moment(since, "--since") if since else "")
