"""Faults of a request as a whole: status, headers, body, connection."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from email.utils import formatdate

from .chat_handler import Handler

Fault = Callable[[Handler], None]
LONG_WAIT = 3600
BIG = 17_000_000


def first(times: int, fail: Fault) -> Fault:
    """`fail` for the first requests of a fault, a good answer from then on."""
    return lambda h: fail(h) if h.number <= times else h.answer()


def _too_many(wait: object | None, name: str = "retry-after") -> Fault:
    headers = {} if wait is None else {name: str(wait)}
    return lambda h: h.error(429, "Rate limit reached", "rate_limit_exceeded", headers)


def _slow_first_byte(h: Handler) -> None:
    h.wait()


def _late(h: Handler) -> None:
    """Nothing for a while, headers, nothing for a while, and then all is well."""
    time.sleep(0.3)
    h.begin_stream()
    time.sleep(0.3)
    h.words()
    h.chunk({}, "stop")
    h.done()


def _drip_headers(h: Handler) -> None:
    h.raw(b"HTTP/1.1 200 OK\r\n")
    while not h.server.state.stop.is_set():
        h.raw(b"x-a: b\r\n")
        time.sleep(0.05)


def _drip_body(h: Handler) -> None:
    """JSON that never ends, a space each 50 ms."""
    h.raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n{")
    while not h.server.state.stop.is_set():
        h.raw(b" ")
        time.sleep(0.05)


def _no_stream_options(h: Handler) -> None:
    if "stream_options" in h.seen.body:
        h.error(422, "extra fields not permitted: stream_options", "invalid_request_error")
    else:
        h.answer()


def _redirect(h: Handler) -> None:
    """To the same server under another name: another origin."""
    there = f"http://localhost:{h.server.state.port}/f/ok/v1/chat/completions"
    h.send(b"", "text/plain", 307, {"location": there})


def _redirect_loop(h: Handler) -> None:
    h.send(b"", "text/plain", 307, {"location": h.path})


def _quote_all(h: Handler) -> None:
    """A 401 whose text holds the key, an escape sequence and a line break."""
    h.error(401, f"Incorrect API key provided: {h.key}.\n\x1b[31mGet another\x1b[0m", "invalid_api_key")


def _close(h: Handler) -> None:
    """Not a byte, and the connection is gone."""
    h.close_connection = True


def _reset(h: Handler) -> None:
    h.reset()


def _not_http(h: Handler) -> None:
    h.raw(b"\x15\x03\x01\x00\x02\x02\x28 what is this?\r\n\r\n")
    h.close_connection = True


def _gzip_garbage(h: Handler) -> None:
    h.send(b"\x1f\x8b\x08\x00this is no gzip", "application/json", headers={"content-encoding": "gzip"})


def _unknown_encoding(h: Handler) -> None:
    h.send(b"zzzz", "application/json", headers={"content-encoding": "br"})


def _truncated_body(h: Handler) -> None:
    """Fewer bytes than the header says."""
    h.raw(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"choices": [')
    h.close_connection = True


def _truncated_json(h: Handler) -> None:
    h.send(b'{"id": "c1", "choices": [{"message": {"content": "Half an', "application/json")


def _huge_body(h: Handler) -> None:
    """One byte more than anyone reads, and no length."""
    h.raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n" + b'{"a": "')
    for _ in range(BIG // 1_000_000):
        h.raw(b"x" * 1_000_000)
    h.close_connection = True


def _deep_json(h: Handler) -> None:
    h.send(b"[" * 200_000, "application/json")


def _invalid_utf8(h: Handler) -> None:
    if not h.wants_stream:
        h.send(b'{"choices": [{"message": {"content": "\xff\xfe"}, "finish_reason": "stop"}]}', "application/json")
        return
    h.begin_stream()
    h.words(1)
    h.raw(b'data: {"choices": [{"index": 0, "delta": {"content": "\xff\xfe"}}]}\n\n')
    h.done()


def _message(message: object, finish: object = "stop", usage: object = None) -> Fault:
    """An answer in one piece with this `message`, also when a stream was asked for."""
    body = {"id": "c1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    return lambda h: h.send(json.dumps({**body, "usage": usage}).encode(), "application/json")


FAULTS: dict[str, Fault] = {
    "429-then-ok": first(1, _too_many(0)),
    "429-ms-then-ok": first(1, _too_many(20, "retry-after-ms")),
    "429-date-then-ok": first(1, _too_many(formatdate(usegmt=True))),
    "429-wait": _too_many(50),
    "429-forever": _too_many(None),
    "429-retry-after-long": _too_many(LONG_WAIT),
    "429-date-long": _too_many("Fri, 31 Dec 2100 23:59:59 GMT"),
    "429-retry-after-nonsense": _too_many("soon"),
    "429-quota": lambda h: h.error(429, "You exceeded your current quota", "insufficient_quota"),
    "402": lambda h: h.error(402, "Insufficient balance"),
    "500-then-ok": first(1, lambda h: h.error(500, "oops")),
    "500-forever": lambda h: h.error(500, "oops"),
    "503-retry-after-long": lambda h: h.error(503, "down", "", {"retry-after": str(LONG_WAIT)}),
    "503-html": lambda h: h.html(503),
    "404-html": lambda h: h.html(404),
    "401-html": lambda h: h.html(401),
    "408": lambda h: h.error(408, "too slow"),
    "late": _late,
    "slow-first-byte": _slow_first_byte,
    "drip-headers": _drip_headers,
    "drip-body": _drip_body,
    "close-at-once": _close,
    "reset-at-once": _reset,
    "cut-then-ok": first(1, _reset),
    "not-http": _not_http,
    "gzip-garbage": _gzip_garbage,
    "unknown-encoding": _unknown_encoding,
    "truncated-body": _truncated_body,
    "truncated-json": _truncated_json,
    "huge-body": _huge_body,
    "deep-json": _deep_json,
    "html-200": lambda h: h.html(),
    "empty-200": lambda h: h.send(b"", "application/json"),
    "text-200": lambda h: h.send(b"Hello", "text/plain"),
    "no-content-type": lambda h: h.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
    "204": lambda h: h.send(b"", "application/json", 204),
    "json-array": lambda h: h.json([1, 2]),
    "json-null": lambda h: h.json(None),
    "json-number": lambda h: h.json(7),
    "error-200": lambda h: h.json({"error": {"message": "the engine fell over"}}),
    "error-200-quota": lambda h: h.json({"error": {"message": "no credits left", "code": 402}}),
    "missing-fields": lambda h: h.json({"id": "c1", "object": "chat.completion"}),
    "empty-choices": lambda h: h.json({"choices": []}),
    "null-content": lambda h: h.whole(None),
    "content-is-a-list": _message({"role": "assistant", "content": [1, {"a": None}]}),
    "message-is-text": _message("Hello"),
    "finish-is-missing": _message({"role": "assistant", "content": "Half an answer"}, None),
    "finish-is-a-number": _message({"role": "assistant", "content": "Half an answer"}, 3),
    "strange-usage": _message({"role": "assistant", "content": "Hello"}, "stop", {"prompt_tokens": "many"}),
    "401-echoes-key": _quote_all,
    "403": lambda h: h.error(403, "not for you"),
    "404-model": lambda h: h.error(404, "The model `m` does not exist", "model_not_found"),
    "context-length": lambda h: h.error(400, "This model's maximum context length is 8", "context_length_exceeded"),
    "400-param": lambda h: h.error(400, "temperature is too high", "invalid_request_error"),
    "400-filter": lambda h: h.error(400, "The prompt was filtered", "content_filter"),
    "invalid-utf8": _invalid_utf8,
    "stream-ignored": lambda h: h.whole(),
    "no-stream-options": _no_stream_options,
    "redirect-other-host": _redirect,
    "redirect-loop": _redirect_loop,
}
