"""What Cohere's chat answers, in one piece or as a stream of events, as events of opsvi."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

from opsvi_cli.sdk import Finish, ReasoningDelta, Server, StreamEvent, TextDelta, ToolCall, Usage

Reason: TypeAlias = Literal["stop", "length", "filter", "refusal", "tool_calls"]
_FINISH: Mapping[str, Reason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_LIMIT": "length",
    "ERROR_TOXIC": "filter",
}


def whole_answer(body: Mapping[str, Any], server: Server, content_type: str) -> Iterator[StreamEvent]:
    """An answer in one piece."""
    message = body.get("message")
    if not isinstance(message, dict):
        said = f": {message}" if isinstance(message, str) else ""
        raise server.bad_response(f"the answer holds no message{said}", content_type=content_type)
    yield from _plan(message, server)
    content = message.get("content") or []
    if not isinstance(content, list):
        raise server.bad_response("the text of the answer has another shape", content_type=content_type)
    for part in content:
        yield from _text(part, server)
    calls = _Calls(server)
    for index, call in enumerate(message.get("tool_calls") or []):
        calls.start(index, call)
    yield _finish(body, calls, server)


def stream_events(events: Iterable[Any], server: Server, content_type: str) -> Iterator[StreamEvent]:
    """Server-sent events as the SDK splits them; a stream that just ends is an error."""
    calls = _Calls(server)
    came = False
    for sse in events:
        if sse.data == "[DONE]":
            break
        if not sse.data:
            continue
        event = json.loads(sse.data)
        kind = event.get("type") if isinstance(event, dict) else None
        if not isinstance(kind, str) and isinstance(event, dict) and event.get("message"):
            raise server.broke_off(server.said(event)[1])
        if not isinstance(kind, str):
            raise server.bad_response("an event of the stream has another shape", content_type=content_type)
        came = True
        delta = event.get("delta") or {}
        if kind == "message-end":
            yield _finish(delta, calls, server)
            return
        if kind in ("content-delta", "content-start"):
            yield from _text(_message_of(delta, server).get("content"), server)
        elif kind == "tool-plan-delta":
            yield from _plan(_message_of(delta, server), server)
        elif kind == "tool-call-start":
            calls.start(event.get("index"), _message_of(delta, server).get("tool_calls"))
        elif kind == "tool-call-delta":
            calls.add(event.get("index"), _message_of(delta, server).get("tool_calls"))
    if not came:
        raise server.bad_response("the stream is empty", content_type=content_type)
    raise server.cut_off()


def _message_of(delta: object, server: Server) -> Mapping[str, Any]:
    message = delta.get("message") if isinstance(delta, dict) else None
    if not isinstance(message, dict):
        raise server.bad_response("a piece of the answer has another shape")
    return message


def _text(part: object, server: Server) -> Iterator[StreamEvent]:
    """A part of the content, or a piece of one: text, or thinking."""
    if not isinstance(part, dict):
        raise server.bad_response("a piece of the answer has another shape")
    for key, kind in (("thinking", ReasoningDelta), ("text", TextDelta)):
        text = part.get(key)
        if text is not None and not isinstance(text, str):
            raise server.bad_response("a text of the answer is no text")
        if text:
            yield kind(text)


def _plan(message: Mapping[str, Any], server: Server) -> Iterator[StreamEvent]:
    """What the model means to do with the tools is thinking, not the answer."""
    plan = message.get("tool_plan")
    if plan is not None and not isinstance(plan, str):
        raise server.bad_response("a text of the answer is no text")
    if plan:
        yield ReasoningDelta(plan)


def _finish(body: Mapping[str, Any], calls: _Calls, server: Server) -> Finish:
    """The end of an answer. Raises ProviderError when the server says that it broke off."""
    reason = body.get("finish_reason") if isinstance(body, Mapping) else None
    if not isinstance(reason, str) or not reason:
        raise server.bad_response("the answer does not say how it ended")
    if reason == "TIMEOUT":
        raise server.timed_out()
    if reason.startswith("ERROR") and reason not in _FINISH:
        raise server.broke_off(str(body.get("error") or reason))
    return Finish(_FINISH.get(reason, "stop"), usage_of(body.get("usage")), calls.done())


def usage_of(usage: object) -> Usage:
    """The tokens that the model read and wrote; what is billed for where they are not counted."""
    if not isinstance(usage, dict):
        return Usage()
    found: Any = usage.get("tokens") or usage.get("billed_units")
    counts: Mapping[str, Any] = found if isinstance(found, dict) else {}
    cached = _count(usage.get("cached_tokens"))
    return Usage(_count(counts.get("input_tokens")), _count(counts.get("output_tokens")), cached)


def _count(value: object) -> int | None:
    """The API counts in numbers such as 5.0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e15:
        return None
    return int(value)


class _Calls:
    """Tool calls that arrive in pieces, put together by their index."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._calls: dict[int, tuple[str, str, list[str]]] = {}

    def start(self, index: object, call: object) -> None:
        function = call.get("function") if isinstance(call, dict) else None
        id_ = call.get("id") if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(index, int) or not isinstance(id_, str) or not isinstance(name, str) or not id_ or not name:
            raise self._server.bad_response("a tool call has no id or no name")
        self._calls[index] = (id_, name, [])
        self.add(index, call)

    def add(self, index: object, call: object) -> None:
        function = call.get("function") if isinstance(call, dict) else None
        piece = function.get("arguments") if isinstance(function, dict) else None
        if not isinstance(index, int) or index not in self._calls or not isinstance(piece, str | None):
            raise self._server.bad_response("a piece of a tool call belongs to none")
        self._calls[index][2].append(piece or "")

    def done(self) -> tuple[ToolCall, ...]:
        return tuple(
            ToolCall(id_, name, "".join(pieces) or "{}") for _, (id_, name, pieces) in sorted(self._calls.items())
        )
