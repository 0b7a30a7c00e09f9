"""Faults of a streamed answer: its events, its words, its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from .chat_handler import WORDS, Handler

Fault = Callable[[Handler], None]


def _events(*events: bytes) -> Fault:
    """A stream of these bytes, and then its end."""

    def answer(h: Handler) -> None:
        h.begin_stream()
        for event in events:
            h.raw(event)

    return answer


def _event(delta: Any, finish: Any = None, **more: Any) -> bytes:
    """One chunk without the line that ends it."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **more}
    return b"data: " + json.dumps({"id": "c1", "model": "m", "choices": [choice]}).encode()


_END = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}'
_DONE = b"data: [DONE]\n\n"


def _stall(h: Handler) -> None:
    h.begin_stream()
    h.words(2)
    h.wait()


def _slow_first_event(h: Handler) -> None:
    h.begin_stream()
    h.wait()


def _cut(h: Handler) -> None:
    h.begin_stream()
    h.words(2)
    h.reset()


def _eof(h: Handler) -> None:
    h.begin_stream()
    h.words(2)


def _close_in_chunk(h: Handler) -> None:
    """Chunked encoding that stops in the middle of a chunk."""
    h.raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    piece = _event({"content": "Hello from"}) + b"\n\n"
    h.raw(b"%x\r\n%s\r\n" % (len(piece), piece) + b"ff\r\ndata: ")
    h.close_connection = True


def _bad_chunk(h: Handler) -> None:
    h.raw(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello")
    h.close_connection = True


def _drip(h: Handler) -> None:
    """Never silent, never done: a word each 50 ms."""
    h.begin_stream()
    while not h.server.state.stop.is_set():
        h.chunk({"content": "drip "})
        time.sleep(0.05)


def _only_comments(h: Handler) -> None:
    """A server that says it is working, for ever."""
    h.begin_stream()
    while not h.server.state.stop.is_set():
        h.raw(b": PROCESSING\n\n")
        time.sleep(0.05)


def _huge_line(h: Handler) -> None:
    h.begin_stream()
    h.raw(b'data: {"choices": [{"index": 0, "delta": {"content": "')
    for _ in range(40):
        h.raw(b"x" * 1_000_000)
    h.raw(b'"}, "finish_reason": "stop"}]}\n\n')
    h.done()


def _surrogates(h: Handler) -> None:
    """A smiley cut into its halves, then a half that stays alone."""
    h.begin_stream()
    for text in (r"\ud83d", r"\ude00", r" and \ud83d"):
        h.raw(b'data: {"choices": [{"index": 0, "delta": {"content": "' + text.encode() + b'"}}]}\n\n')
    h.chunk({}, "stop")
    h.done()


def _pieces(*texts: str) -> Fault:
    def answer(h: Handler) -> None:
        h.begin_stream()
        for text in texts:
            h.chunk({"content": text})
        h.chunk({}, "stop")
        h.done()

    return answer


def _split_bytes(h: Handler) -> None:
    """Every byte on its own; characters of several bytes are cut."""
    h.begin_stream()
    text = json.dumps({"choices": [{"index": 0, "delta": {"content": "Grüße 😀"}}]}, ensure_ascii=False)
    for byte in b"data: " + text.encode() + b"\n\n" + _END + b"\n\n" + _DONE:
        h.raw(bytes([byte]))


def _refusal(h: Handler) -> None:
    h.begin_stream()
    h.chunk({"refusal": "I will not."})
    h.chunk({}, "stop")
    h.done()


def _reasoning(h: Handler) -> None:
    h.begin_stream()
    h.chunk({"reasoning_content": "They greet me. "})
    h.words()
    h.chunk({}, "stop")
    h.usage_chunk()
    h.done()


def _tool(name: str, *arguments: str, **more: object) -> Fault:
    """A call of a tool whose arguments come in pieces."""

    def answer(h: Handler) -> None:
        h.begin_stream()
        function = {"name": name, "arguments": arguments[0]}
        h.chunk({"tool_calls": [{"index": 0, "id": "t1", "type": "function", "function": function, **more}]})
        for piece in arguments[1:]:
            h.chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        h.chunk({}, "tool_calls")
        h.done()

    return answer


FAULTS: dict[str, Fault] = {
    "slow-first-event": _slow_first_event,
    "stall-mid-stream": _stall,
    "cut-mid-stream": _cut,
    "close-mid-chunk": _close_in_chunk,
    "bad-chunk": _bad_chunk,
    "eof-no-done": _eof,
    "drip": _drip,
    "only-comments": _only_comments,
    "empty-stream": _events(_DONE),
    "no-stream-at-all": _events(),
    "malformed-sse": _events(
        _event({"content": "Hello from"}) + b"\n\n", b'data: {"choices": [{"delta": {"content": \n\n', _DONE
    ),
    "error-event": _events(
        _event({"content": "Hello from"}) + b"\n\n",
        b'data: {"error": {"message": "the engine fell over", "type": "server_error"}}\n\n',
    ),
    "error-event-rate": _events(b'data: {"error": {"message": "slow down", "code": 429}}\n\n'),
    "error-event-context": _events(b'data: {"error": {"message": "no", "code": "context_length_exceeded"}}\n\n'),
    "finish-error": lambda h: h.answer("Half an answer", "error"),
    "finish-no-resource": lambda h: h.answer("Half an answer", "insufficient_system_resource"),
    "finish-model-length": lambda h: h.answer("Half an answer", "model_length"),
    "azure-remarks": _events(
        _event({"content": "Hello"}) + b"\n\n",
        b'data: {"choices": [{"index": 0, "finish_reason": null, "content_filter_offsets": {}}]}\n\n',
        _END + b"\n\n",
        _DONE,
    ),
    "events-are-numbers": _events(b"data: 7\n\n", b"data: [1]\n\n", b"data: null\n\n", _DONE),
    "choices-are-null": _events(b'data: {"choices": null}\n\n', _DONE),
    "delta-is-missing": _events(b'data: {"choices": [{"index": 0}]}\n\n', _END + b"\n\n", _DONE),
    "delta-is-a-list": _events(_event([1]) + b"\n\n", _END + b"\n\n", _DONE),
    "content-is-a-number": _events(_event({"content": 5}) + b"\n\n", _END + b"\n\n", _DONE),
    "finish-in-no-chunk": _events(_event({"content": "Hello from"}) + b"\n\n", _DONE),
    "sse-comments": _events(
        b": hello\n\n", *[b": ping\n" + _event({"content": word}) + b"\n\n" for word in WORDS], _END + b"\n\n", _DONE
    ),
    "sse-crlf": _events(
        *[_event({"content": word}) + b"\r\n\r\n" for word in WORDS], _END + b"\r\n\r\n", b"data: [DONE]\r\n\r\n"
    ),
    "sse-no-space": _events(
        *[(_event({"content": word}) + b"\n\n").replace(b"data: ", b"data:") for word in WORDS],
        _END.replace(b"data: ", b"data:") + b"\n\n",
        b"data:[DONE]\n\n",
    ),
    "sse-fields": _events(
        *[b"id: 7\nretry: 10\n" + _event({"content": word}) + b"\n\n" for word in WORDS], _END + b"\n\n", _DONE
    ),
    "sse-split-bytes": _split_bytes,
    "no-usage": _events(*[_event({"content": word}) + b"\n\n" for word in WORDS], _END + b"\n\n", _DONE),
    "no-done": _events(*[_event({"content": word}) + b"\n\n" for word in WORDS], _END + b"\n\n"),
    "extra-fields": _events(
        *[_event({"content": word, "mood": "good"}, x=[1], logprobs=None) + b"\n\n" for word in WORDS],
        _END + b"\n\n",
        _DONE,
    ),
    "two-choices": _events(
        *[_event({"content": word}) + b"\n\n" + _event({"content": "no "}, index=1) + b"\n\n" for word in WORDS],
        _END + b"\n\n",
        _DONE,
    ),
    "reasoning": _reasoning,
    "reasoning-only": _events(_event({"reasoning_content": "Hm."}) + b"\n\n", _END + b"\n\n", _DONE),
    "rich-markup": _pieces("[bold red]Hello[/] ", "[link=file:///etc/passwd]x[/link] :smiley:"),
    "white-space": _pieces(" ", "\n"),
    "terminal-escapes": _pieces(
        "safe \x1b]0;owned\x07text \x1b]52;c;ZXZp", "bA==\x07more \x1b[3", "1mred\x1b[0m \x9b5mend"
    ),
    "lone-surrogate": _surrogates,
    "huge-line": _huge_line,
    "content-filter": lambda h: h.answer("Half an answer", "content_filter"),
    "length": lambda h: h.answer("Half an answer", "length"),
    "refusal": _refusal,
    "tool-call": _tool("clock", '{"zo', 'ne": "UTC"}'),
    "tool-bad-json": _tool("clock", '{"zone": '),
    "tool-not-object": _tool("clock", "[1, 2]"),
    "tool-unknown": _tool("rocket", "{}"),
    "tool-no-id": _tool("clock", "{}", id=None),
}
