"""A session as one document: a record for programs, Markdown for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import Usage

from .session_records import Session, Turn

if TYPE_CHECKING:
    from .sessions import Sessions

LIST_FIELDS = ("session", "name", "title", "messages", "model", "collection", "created", "updated")
SHOW_FIELDS = (*LIST_FIELDS, "system", "summary", "turns")


def list_record(session: Session) -> dict[str, Any]:
    """A row of `chat list`."""
    return {"session": session.id, **{name: getattr(session, name) for name in LIST_FIELDS[1:]}}


def session_record(sessions: Sessions, session: Session) -> dict[str, Any]:
    """The whole of a session; of attachments their names and sizes."""
    turns = [_turn_record(number, turn) for number, turn in enumerate(sessions.turns(session), 1)]
    return {**list_record(session), "system": session.system, "summary": session.summary, "turns": turns}


def _turn_record(number: int, turn: Turn) -> dict[str, Any]:
    answer = turn.answer
    files = turn.question.attachments
    return {
        "turn": number,
        "time": turn.question.time,
        "question": turn.question.text,
        "attachments": [{"name": f.name, "media_type": f.media_type, "bytes": len(f.data)} for f in files],
        "answer": answer.text if answer else "",
        "status": answer.status if answer else "unanswered",
        "model": answer.model if answer else None,
        "sources": list(answer.sources) if answer else [],
        "usage": usage_record(answer.usage if answer else Usage()),
    }


def usage_record(usage: Usage) -> dict[str, int | None]:
    """Tokens read and written, as every record shows them."""
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}


def to_markdown(record: Mapping[str, Any]) -> str:
    """A session's record as a Markdown document."""
    return "\n\n".join(_blocks(record)) + "\n"


def _blocks(record: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {record['name'] or record['title'] or record['session']}"
    facts = [f"Session {record['session']}, begun {record['created']}, last used {record['updated']}"]
    facts += [f"{name}: {record[name]}" for name in ("model", "collection") if record[name]]
    yield "\n".join(f"- {fact}" for fact in facts)
    if record["system"]:
        yield f"Instructions: {record['system']}"
    for turn in record["turns"]:
        yield f"## {turn['turn']}. Question"
        yield turn["question"]
        if turn["attachments"]:
            yield "\n".join(f"- attached: {file['name']} ({file['media_type']})" for file in turn["attachments"])
        if not turn["answer"]:
            yield "*No answer.*"
            continue
        yield f"## {turn['turn']}. Answer" + (f" of {turn['model']}" if turn["model"] else "")
        yield turn["answer"]
        if turn["status"] == "partial":
            yield "*This answer was cut off.*"
        if turn["sources"]:
            yield "Sources:\n\n" + "\n".join(_source_lines(turn["sources"]))
        if turn["usage"]["output_tokens"] is not None:
            read, written = turn["usage"]["input_tokens"], turn["usage"]["output_tokens"]
            yield f"*Tokens: {read if read is not None else '?'} read, {written} written.*"


def _source_lines(sources: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for source in sources:
        place = f", page {source['page']}" if source.get("page") is not None else ""
        place = place or (f", {source['section']}" if source.get("section") else "")
        quote = " ".join(str(source.get("quote") or "").split())
        yield f"- [{source['n']}] {source['source']}{place}" + (f': "{quote}"' if quote else "")
