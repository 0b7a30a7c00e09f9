"""`opsvi chat list|show|search|rename|rm|export`: the sessions that `opsvi chat` keeps."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import UsageError

if TYPE_CHECKING:
    from opsvi_cli.llm.session_records import Session
    from opsvi_cli.llm.sessions import Sessions

Which = Annotated[str, typer.Argument(metavar="SESSION", help="Its name, or its id, or how the id begins")]


def register(app: typer.Typer) -> None:
    """Put the subcommands under `opsvi chat`."""
    for name, function in (
        ("list", list_),
        ("show", show),
        ("search", search),
        ("rename", rename),
        ("rm", remove),
        ("export", export),
    ):
        app.command(name)(function)


def list_(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("-n", "--limit", min=0, help="How many; 0: all")] = 0,
) -> None:
    """List the sessions, the latest used first.

    Examples:

    \b
      opsvi chat list
      opsvi chat list -n 5 --json=session,title
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.session_export import LIST_FIELDS, list_record
    from opsvi_cli.llm.sessions import Sessions
    from opsvi_cli.render.output import show_rows

    with Sessions(app) as sessions:
        found = sessions.all()
    show_rows(
        app,
        map(list_record, found[:limit] if limit else found),
        LIST_FIELDS,
        columns=("session", "name", "title", "messages", "model", "updated"),
        empty="there is no session yet: `opsvi chat` begins one",
    )


def show(ctx: typer.Context, session: Which) -> None:
    """Show a session: questions, answers, sources, tokens.

    Examples:

    \b
      opsvi chat show "release notes"
      opsvi chat show 2026-11-24-a1b2c3 --json | jq -r '.turns[].question'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.session_export import SHOW_FIELDS, session_record, to_markdown
    from opsvi_cli.llm.sessions import Sessions
    from opsvi_cli.render.output import show_record
    from opsvi_cli.render.pager import page

    with Sessions(app) as sessions:
        record = session_record(sessions, sessions.find(session))
    if app.options.machine:
        show_record(app, record, str, fields=SHOW_FIELDS)
    else:
        page(app, to_markdown(record))


def search(
    ctx: typer.Context,
    text: Annotated[list[str], typer.Argument(help='Words; "words in a row" and begin* work too', metavar="TEXT")],
    limit: Annotated[int, typer.Option("-n", "--limit", min=1, help="How many messages")] = 20,
) -> None:
    """Find messages in all sessions that hold the words.

    Examples:

    \b
      opsvi chat search backup
      opsvi chat search '"on call" sunday*' --json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.session_search import FIELDS, search_sessions
    from opsvi_cli.render.output import show_rows

    found = search_sessions(app, " ".join(text), limit=limit)
    show_rows(
        app,
        map(asdict, found),
        FIELDS,
        columns=("session", "name", "turn", "role", "text"),
        empty="no message holds these words",
    )


def rename(
    ctx: typer.Context,
    session: Which,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name")],
) -> None:
    """Give a session a name.

    Examples:

    \b
      opsvi chat rename 2026-11-24-a1b2c3 "release notes"
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.sessions import Sessions
    from opsvi_cli.render.output import message

    with Sessions(app) as sessions:
        renamed = sessions.rename(sessions.find(session), name)
    message(app, f"{session} is called {renamed.name}")


def remove(
    ctx: typer.Context,
    wanted: Annotated[list[str] | None, typer.Argument(metavar="[SESSION]...", help="Names or ids")] = None,
    older: Annotated[
        str | None, typer.Option("--older", metavar="WHEN", help="Last used before: 12h, 30d, 2026-01-31")
    ] = None,
) -> None:
    """Remove sessions with all they hold; asks first.

    Examples:

    \b
      opsvi chat rm "release notes"
      opsvi chat rm --older 90d --yes
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.sessions import Sessions
    from opsvi_cli.render.output import message, pick, show_record

    fields = ("removed",)
    pick(app, dict.fromkeys(fields), fields)
    with Sessions(app) as sessions:
        chosen = _chosen(app, sessions, wanted or [], older)
        if chosen:
            what = f"session {chosen[0].label!r}" if len(chosen) == 1 else f"{len(chosen)} sessions"
            app.confirm(f"Remove {what}, {sum(session.messages for session in chosen)} messages?")
        for session in chosen:
            sessions.delete(session.id)
    if app.options.machine:
        show_record(app, {"removed": [session.id for session in chosen]}, str, fields=fields)
    else:
        message(app, "".join(f"removed {session.label}\n" for session in chosen).strip() or "no session is that old")


def _chosen(app: AppContext, sessions: Sessions, wanted: list[str], older: str | None) -> list[Session]:
    if not wanted and older is None:
        raise UsageError("which sessions?", hint="opsvi chat rm SESSION, or --older 90d")
    chosen = {session.id: session for session in map(sessions.find, wanted)}
    if older is not None:
        from opsvi_cli.foundation.moments import parse_moment

        limit = parse_moment(older, "--older")
        old = {session.id: session for session in sessions.all() if session.updated < limit}
        chosen = {key: value for key, value in chosen.items() if key in old} if wanted else old
    return list(chosen.values())


def export(
    ctx: typer.Context,
    session: Which,
    form: Annotated[Literal["md", "json"], typer.Option("--format", help="md: Markdown; json: with all fields")] = "md",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write to this file, not stdout")] = "-",
) -> None:
    """Write a session as Markdown or JSON, with sources and tokens.

    Examples:

    \b
      opsvi chat export "release notes" > notes.md
      opsvi chat export 2026-11-24-a1b2c3 --format json -o talk.json
    """
    app: AppContext = ctx.obj
    from pathlib import Path

    from opsvi_cli.llm.session_export import session_record
    from opsvi_cli.llm.sessions import Sessions
    from opsvi_cli.render.chat_export import as_text
    from opsvi_cli.render.output import save

    with Sessions(app) as sessions:
        record = session_record(sessions, sessions.find(session))
    text = as_text(record, "json" if app.options.machine else form)
    if Path(app.cwd, output).is_file():
        app.confirm(f"Replace {output}?")
    save(app, output, text)
