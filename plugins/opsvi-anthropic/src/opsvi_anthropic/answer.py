"""What the Messages API answers, in one piece or as a stream of events, as events of opsvi."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from opsvi_cli.sdk import (
    Finish,
    ReasoningDelta,
    Server,
    StreamEvent,
    TextDelta,
    ToolCall,
    Usage,
)

Reason: TypeAlias = Literal["stop", "length", "filter", "refusal", "tool_calls"]
Keep: TypeAlias = Callable[[str, Sequence[dict[str, Any]]], None]
"""Takes the id of a tool call and the thinking that came before it."""
_FINISH: Mapping[str, Reason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "pause_turn": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}


class Blocks:
    """The content of one answer, put together from its blocks and their pieces.

    A block that begins may hold everything (an answer in one piece) or nothing yet (a stream).
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._calls: dict[int, tuple[str, str, list[str], Any]] = {}
        self._thinking: dict[int, dict[str, Any]] = {}
        self._said = False

    def start(self, index: int, block: object) -> Iterator[StreamEvent]:
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(block, dict) or not isinstance(kind, str):
            raise self._server.bad_response("a block of the answer has another shape")
        if kind == "text":
            yield from self._text(block.get("text"))
        elif kind == "thinking":
            self._thinking[index] = {"type": kind, "thinking": "", "signature": str(block.get("signature") or "")}
            yield from self._thought(index, block.get("thinking"))
        elif kind == "redacted_thinking":
            self._thinking[index] = dict(block)
        elif kind == "tool_use":
            id_, name = block.get("id"), block.get("name")
            if not isinstance(id_, str) or not isinstance(name, str) or not id_ or not name:
                raise self._server.bad_response("a tool call has no id or no name")
            self._calls[index] = (id_, name, [], block.get("input"))

    def delta(self, index: int, delta: object) -> Iterator[StreamEvent]:
        kind = delta.get("type") if isinstance(delta, dict) else None
        if not isinstance(delta, dict) or not isinstance(kind, str):
            raise self._server.bad_response("a piece of the answer has another shape")
        if kind == "text_delta":
            yield from self._text(delta.get("text"))
        elif kind == "thinking_delta":
            yield from self._thought(index, delta.get("thinking"))
        elif kind == "signature_delta" and index in self._thinking:
            self._thinking[index]["signature"] += str(delta.get("signature") or "")
        elif kind == "input_json_delta":
            piece = delta.get("partial_json")
            if index not in self._calls or not isinstance(piece, str):
                raise self._server.bad_response("a piece of a tool call belongs to none")
            self._calls[index][2].append(piece)

    def _text(self, text: object) -> Iterator[StreamEvent]:
        if not isinstance(text, str):
            raise self._server.bad_response("a text of the answer is no text")
        if text:
            self._said = True
            yield TextDelta(text)

    def _thought(self, index: int, text: object) -> Iterator[StreamEvent]:
        if not isinstance(text, str):
            raise self._server.bad_response("a text of the answer is no text")
        if text:
            self._thinking.setdefault(index, {"type": "thinking", "thinking": "", "signature": ""})["thinking"] += text
            yield ReasoningDelta(text)

    def finish(self, reason: object, details: object, usage: Usage, keep: Keep) -> Iterator[StreamEvent]:
        """The end: what the server says about a refusal when the model said nothing, and `Finish`."""
        if not isinstance(reason, str) or not reason:
            raise self._server.bad_response("the answer does not say how it ended")
        ended = _FINISH.get(reason, "stop")
        explanation = details.get("explanation") if isinstance(details, dict) else None
        if ended == "refusal" and not self._said and isinstance(explanation, str) and explanation:
            yield TextDelta(explanation)
        calls = tuple(
            ToolCall(id_, name, "".join(pieces) or json.dumps(given if isinstance(given, dict) else {}))
            for _, (id_, name, pieces, given) in sorted(self._calls.items())
        )
        if calls and self._thinking:
            keep(calls[0].id, [self._thinking[index] for index in sorted(self._thinking)])
        yield Finish(ended, usage, calls)


def whole_answer(body: Any, server: Server, content_type: str, keep: Keep) -> Iterator[StreamEvent]:
    """An answer in one piece."""
    content = body.get("content") if isinstance(body, dict) else None
    if not isinstance(content, list):
        said = server.said(body)[1]
        raise server.bad_response(f"the answer holds no message{': ' if said else ''}{said}", content_type=content_type)
    blocks = Blocks(server)
    for index, block in enumerate(content):
        yield from blocks.start(index, block)
    yield from blocks.finish(body.get("stop_reason"), body.get("stop_details"), usage_of(body.get("usage")), keep)


def stream_events(events: Iterable[Any], server: Server, content_type: str, keep: Keep) -> Iterator[StreamEvent]:
    """Server-sent events as the SDK splits them; a stream that just ends is an error."""
    blocks = Blocks(server)
    counts: dict[str, Any] = {}
    reason: object = None
    details: object = None
    came = False
    for sse in events:
        if not sse.data:
            continue
        event = json.loads(sse.data)
        kind = event.get("type") if isinstance(event, dict) else None
        if kind == "error" or sse.event == "error":
            code, said = server.said(event)
            raise server.broke_off(said or code or "without a reason", code)
        if not isinstance(kind, str):
            raise server.bad_response("an event of the stream has another shape", content_type=content_type)
        if kind == "content_block_delta":
            yield from blocks.delta(_index(event, server), event.get("delta"))
        elif kind == "content_block_start":
            yield from blocks.start(_index(event, server), event.get("content_block"))
        elif kind == "message_start":
            came = True
            _add(counts, (event.get("message") or {}).get("usage"))
        elif kind == "message_delta":
            _add(counts, event.get("usage"))
            delta = event.get("delta") or {}
            reason = delta.get("stop_reason") or reason
            details = delta.get("stop_details") or details
        elif kind == "message_stop":
            break
    if reason is None and not came:
        raise server.bad_response("the stream is empty", content_type=content_type)
    if reason is None:
        raise server.cut_off()
    yield from blocks.finish(reason, details, usage_of(counts), keep)


def _index(event: Mapping[str, Any], server: Server) -> int:
    index = event.get("index")
    if not isinstance(index, int):
        raise server.bad_response("a block of the answer has no number")
    return index


def _add(counts: dict[str, Any], usage: object) -> None:
    """The numbers of a stream are running totals: the last one that is there counts."""
    if isinstance(usage, dict):
        counts.update({key: value for key, value in usage.items() if value is not None})


def usage_of(usage: object) -> Usage:
    """The API counts input that it wrote to its cache, or read from there, apart; opsvi's number is the sum."""
    if not isinstance(usage, dict):
        return Usage()
    fresh, cached = _count(usage.get("input_tokens")), _count(usage.get("cache_read_input_tokens"))
    written = _count(usage.get("cache_creation_input_tokens"))
    details = usage.get("output_tokens_details")
    return Usage(
        input_tokens=None if fresh is None else fresh + (cached or 0) + (written or 0),
        output_tokens=_count(usage.get("output_tokens")),
        cached_tokens=cached,
        reasoning_tokens=_count(details.get("thinking_tokens")) if isinstance(details, dict) else None,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
