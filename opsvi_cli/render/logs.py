"""Logged calls as people and programs see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any, Literal

from opsvi_cli.context import AppContext
from opsvi_cli.llm.call_log import LoggedCall

from .output import dump, save, show_record, show_rows, write
from .usage import dollars

LIST_FIELDS = (
    "id",
    "time",
    "command",
    "model",
    "outcome",
    "prompt",
    "input_tokens",
    "output_tokens",
    "cost",
    "estimated",
    "seconds",
)
_WIDTH = 60
_ID = 13
"""Of an id on a terminal: the millisecond, and enough that calls of the same one differ."""


def show_list(app: AppContext, calls: Sequence[LoggedCall]) -> None:
    """A row a call. People see the beginning of the prompt in one line."""
    columns: tuple[str, ...] = ("id", "time", "command", "model", "outcome", "prompt")
    if app.is_terminal(app.out) and all(call.outcome == "ok" for call in calls):
        columns = tuple(name for name in columns if name != "outcome")
    show_rows(app, [_row(app, call) for call in calls], LIST_FIELDS, columns=columns, empty=_empty(app))


def show_found(app: AppContext, found: Sequence[tuple[LoggedCall, str]]) -> None:
    """The same, with the place that matched."""
    rows = [{**_row(app, call), "match": " ".join(text.split())} for call, text in found]
    columns = ("id", "time", "model", "match")
    show_rows(app, rows, (*LIST_FIELDS, "match"), columns=columns, empty="no logged call holds all of these words")


def _empty(app: AppContext) -> str:
    return "no call was logged" if app.settings.logs.enabled else "no call was logged: logs.enabled is off"


def _row(app: AppContext, call: LoggedCall) -> dict[str, Any]:
    record = {**call.record(), "prompt": call.prompt}
    if not app.options.machine:
        line = " ".join(call.prompt.split())
        record["prompt"] = line if len(line) <= _WIDTH else line[: _WIDTH - 3] + "..."
        record["time"] = call.time[:19].replace("T", " ")
        if app.is_terminal(app.out):
            record["time"] = call.time[:16].replace("T", " ")
            record["id"] = call.id[:_ID]
    return {name: record[name] for name in LIST_FIELDS}


def show_call(app: AppContext, call: LoggedCall) -> None:
    """One call whole."""
    show_record(app, call.record(), lambda: as_markdown(call))


def show_text(app: AppContext, text: str) -> None:
    """Text of a model and nothing else, with a line end."""
    write(app, text if text.endswith("\n") else text + "\n")


def as_markdown(call: LoggedCall) -> str:
    """A call to read: a heading, what it used, then everything that was said."""
    lines = [f"# {call.id}", "", _facts(call), ""]
    for said in call.messages:
        lines += [f"## {said['role']}", ""]
        lines += [str(said["text"]), ""] if said["text"] else []
        attached = said.get("attachments")
        for file in attached if isinstance(attached, list) else ():
            if isinstance(file, dict):
                lines += [f"- {file['name']} ({file['media_type']}, {file['bytes']} bytes, sha256 {file['sha256']})"]
        lines += [""] if attached else []
        lines += _calls(said.get("tool_calls"))
    if call.reasoning:
        lines += ["## reasoning", "", call.reasoning, ""]
    lines += ["## answer", "", call.answer, ""]
    lines += _calls(call.tool_calls)
    if call.error:
        lines += [f"Failed: {call.error}", ""]
    return "\n".join(lines)


def _calls(tools: Any) -> list[str]:
    found = [f"- calls {tool['name']} {tool['arguments']}" for tool in tools or ()]
    return [*found, ""] if found else []


def _facts(call: LoggedCall) -> str:
    about = "~" if call.estimated else ""
    tokens = f"{about}{_number(call.input_tokens)} + {about}{_number(call.output_tokens)} tokens"
    cost = f"{about}{dollars(call.cost)}"
    return f"{call.time} · {call.command} · {call.model} · {call.outcome} · {tokens} · {cost} · {call.seconds:g} s"


def _number(value: int | None) -> str:
    return "?" if value is None else str(value)


def export_calls(app: AppContext, calls: Iterable[LoggedCall], format: Literal["jsonl", "md"], output: str) -> None:
    """All fields as JSON lines, or text to read; to stdout (`-`), or whole into a file only the user can read."""
    if output == "-" and app.options.machine:
        show_rows(app, (call.record() for call in calls), [item.name for item in fields(LoggedCall)])
        return
    pieces = (dump(call.record()) + "\n" if format == "jsonl" else as_markdown(call) + "\n" for call in calls)
    if output == "-":
        for piece in pieces:
            write(app, piece)
        return
    save(app, output, "".join(pieces))
