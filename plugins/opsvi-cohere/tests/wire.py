"""Answers in the wire format of Cohere's API, for the servers of the tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opsvi_cli.testing import SpecAnswer, SpecServer

__all__ = ["SpecAnswer", "SpecServer"]
MODEL = "command-a-03-2025"
USAGE = {
    "billed_units": {"input_tokens": 9.0, "output_tokens": 4.0},
    "tokens": {"input_tokens": 71.0, "output_tokens": 5.0},
    "cached_tokens": 16.0,
}
Event = dict[str, Any]


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value}


def thinking(value: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": value}


def call(id_: str, name: str, arguments: str = "") -> dict[str, Any]:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def message(*content: dict[str, Any], finish: str = "COMPLETE", **more: Any) -> dict[str, Any]:
    """An answer in one piece."""
    body = {"role": "assistant", **({"content": list(content)} if content else {}), **more}
    return {"id": "c1", "finish_reason": finish, "message": body, "usage": USAGE}


def begin() -> Event:
    return {"type": "message-start", "id": "c1", "delta": {"message": {"role": "assistant"}}}


def content(index: int, kind: str, *pieces: str) -> list[Event]:
    def event(type_: str, piece: dict[str, str]) -> Event:
        return {"type": type_, "index": index, "delta": {"message": {"content": piece}}}

    deltas = [event("content-delta", {kind: piece}) for piece in pieces]
    return [event("content-start", {"type": kind, kind: ""}), *deltas, {"type": "content-end", "index": index}]


def plan(*pieces: str) -> list[Event]:
    return [{"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}} for piece in pieces]


def calling(index: int, id_: str, name: str, *pieces: str) -> list[Event]:
    def event(type_: str, body: dict[str, Any]) -> Event:
        return {"type": type_, "index": index, "delta": {"message": {"tool_calls": body}}}

    deltas = [event("tool-call-delta", {"function": {"arguments": piece}}) for piece in pieces]
    return [event("tool-call-start", call(id_, name)), *deltas, {"type": "tool-call-end", "index": index}]


def end(finish: str = "COMPLETE", **more: Any) -> list[Event]:
    return [{"type": "message-end", "id": "c1", "delta": {"finish_reason": finish, "usage": USAGE, **more}}]


def stream(events: Sequence[Any], **more: Any) -> SpecAnswer:
    """Named events, as the vendor sends them."""
    named = [(event["type"], event) if isinstance(event, dict) and "type" in event else event for event in events]
    return SpecAnswer.sse(named, **more)


def said(*pieces: str) -> SpecAnswer:
    """A whole stream of one text."""
    return stream([begin(), *content(0, "text", *pieces), *end()])
