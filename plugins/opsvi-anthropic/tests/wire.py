"""Answers in the wire format of the Messages API, for the servers of the tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opsvi_cli.testing import SpecAnswer, SpecServer

__all__ = ["SpecAnswer", "SpecServer"]

MODEL = "claude-sonnet-5-5"
USAGE: dict[str, Any] = {
    "input_tokens": 10,
    "output_tokens": 5,
    "cache_read_input_tokens": 4,
    "cache_creation_input_tokens": 2,
    "cache_creation": None,
    "server_tool_use": None,
    "service_tier": "standard",
    "inference_geo": None,
    "output_tokens_details": None,
}


def text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": value, "citations": None}


def thinking(value: str, signature: str = "sig") -> dict[str, Any]:
    return {"type": "thinking", "thinking": value, "signature": signature}


def tool_use(id_: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_use", "id": id_, "name": name, "input": arguments, "caller": {"type": "direct"}}


def message(*content: dict[str, Any], stop: str | None = "end_turn", **more: Any) -> dict[str, Any]:
    """An answer in one piece."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": list(content),
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": USAGE,
        **more,
    }


def event(kind: str, **fields: Any) -> tuple[str, dict[str, Any]]:
    return kind, {"type": kind, **fields}


def begin() -> tuple[str, dict[str, Any]]:
    return event("message_start", message=message(stop=None, usage={**USAGE, "output_tokens": 1}))


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        event("content_block_start", index=index, content_block=start),
        *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
        event("content_block_stop", index=index),
    ]


def text_block(index: int, *pieces: str) -> list[tuple[str, dict[str, Any]]]:
    return block(index, text(""), *({"type": "text_delta", "text": piece} for piece in pieces))


def thinking_block(index: int, *pieces: str, signature: str = "sig") -> list[tuple[str, dict[str, Any]]]:
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    return block(index, thinking("", ""), *deltas, {"type": "signature_delta", "signature": signature})


def tool_block(index: int, id_: str, name: str, *pieces: str) -> list[tuple[str, dict[str, Any]]]:
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *pieces)]
    return block(index, tool_use(id_, name, {}), *deltas)


def end(stop: str = "end_turn", **more: Any) -> list[tuple[str, dict[str, Any]]]:
    usage = {"output_tokens": 7, "output_tokens_details": {"thinking_tokens": 3}}
    delta = {"stop_reason": stop, "stop_sequence": None, **more}
    return [event("message_delta", delta=delta, usage=usage), event("message_stop")]


def stream(events: Sequence[Any], **more: Any) -> SpecAnswer:
    return SpecAnswer.sse(events, done="", **more)


def said(*pieces: str) -> SpecAnswer:
    """A whole stream of one text."""
    return stream([begin(), event("ping"), *text_block(0, *pieces), *end()])


def error(kind: str, text: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}
