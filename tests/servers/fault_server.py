"""An OpenAI-compatible server that fails on purpose. The fault is chosen by the URL: `/f/NAME/v1`.

It listens on 127.0.0.1, keeps a log of the requests, and knows whether a client went away before the end.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer

from .chat_handler import FaultServer, Handler, Seen, vectors

__all__ = ["FAULTS", "FaultServer", "running"]
LONG_WAIT = 3600


def _first(times: int, fail: Callable[[Handler], None]) -> Callable[[Handler], None]:
    return lambda h: fail(h) if h.number <= times else h.answer()


def _too_many(wait: object | None) -> Callable[[Handler], None]:
    headers = {} if wait is None else {"retry-after": str(wait)}
    return lambda h: h.error(429, "Rate limit reached", "rate_limit_exceeded", headers)


def _slow_first_byte(h: Handler) -> None:
    h.wait()


def _stall(h: Handler) -> None:
    h.begin_stream()
    h.words(2)
    h.wait()


def _cut(h: Handler) -> None:
    h.begin_stream()
    h.words(2)
    h.reset()


def _eof(h: Handler) -> None:
    h.begin_stream()
    h.words(2)


def _drip(h: Handler) -> None:
    """Never silent, never done: a word each 50 ms."""
    h.begin_stream()
    while not h.server.state.stop.is_set():
        h.chunk({"content": "drip "})
        time.sleep(0.05)


def _drip_headers(h: Handler) -> None:
    h.raw(b"HTTP/1.1 200 OK\r\n")
    while not h.server.state.stop.is_set():
        h.raw(b"x-a: b\r\n")
        time.sleep(0.05)


def _empty_stream(h: Handler) -> None:
    h.begin_stream()
    h.done()


def _nothing(h: Handler) -> None:
    h.begin_stream()


def _invalid_utf8(h: Handler) -> None:
    if not h.wants_stream:
        h.send(b'{"choices": [{"message": {"content": "\xff\xfe"}, "finish_reason": "stop"}]}', "application/json")
        return
    h.begin_stream()
    h.words(1)
    h.raw(b'data: {"choices": [{"index": 0, "delta": {"content": "\xff\xfe"}}]}\n\n')
    h.done()


def _malformed_sse(h: Handler) -> None:
    h.begin_stream()
    h.words(2)
    h.raw(b'data: {"choices": [{"delta": {"content": \n\n')
    h.done()


def _error_event(h: Handler) -> None:
    h.begin_stream()
    h.words(2)
    h.raw(b'data: {"error": {"message": "the engine fell over", "type": "server_error"}}\n\n')


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


def _escapes(h: Handler) -> None:
    """A title, the clipboard and a colour; the clipboard's sequence is cut over two chunks."""
    h.begin_stream()
    for text in ("safe \x1b]0;owned\x07text \x1b]52;c;ZXZp", "bA==\x07more \x1b[3", "1mred\x1b[0m \x9b5mend"):
        h.chunk({"content": text})
    h.chunk({}, "stop")
    h.done()


def _no_stream_options(h: Handler) -> None:
    if "stream_options" in h.seen.body:
        h.error(422, "extra fields not permitted: stream_options", "invalid_request_error")
    else:
        h.answer()


def _refusal(h: Handler) -> None:
    h.begin_stream()
    h.chunk({"refusal": "I will not."})
    h.chunk({}, "stop")
    h.done()


def _tool_call(h: Handler) -> None:
    h.begin_stream()
    function = {"name": "clock", "arguments": '{"zo'}
    h.chunk({"tool_calls": [{"index": 0, "id": "t1", "type": "function", "function": function}]})
    h.chunk({"tool_calls": [{"index": 0, "function": {"arguments": 'ne": "UTC"}'}}]})
    h.chunk({}, "tool_calls")
    h.done()


def _redirect(h: Handler) -> None:
    """To the same server under another name: another origin."""
    there = f"http://localhost:{h.server.state.port}/f/ok/v1/chat/completions"
    h.send(b"", "text/plain", 307, {"location": there})


def _quote_all(h: Handler) -> None:
    """A 401 whose text holds the key, an escape sequence and a line break."""
    h.error(401, f"Incorrect API key provided: {h.key}.\n\x1b[31mGet another\x1b[0m", "invalid_api_key")


def _wrong_dimension(h: Handler) -> None:
    vectors(h, lambda data: [entry["embedding"].append(9.0) for entry in data[1:]] and None)


def _shuffled(h: Handler) -> None:
    vectors(h, lambda data: data.reverse())


def _missing_vector(h: Handler) -> None:
    vectors(h, lambda data: data.pop() and None)


def _nan(h: Handler) -> None:
    vectors(h, lambda data: data[0].update(embedding=[float("nan"), 1.0, 1.0]))


def _zero(h: Handler) -> None:
    vectors(h, lambda data: data[0].update(embedding=[0.0, 0.0, 0.0]))


FAULTS: dict[str, Callable[[Handler], None]] = {
    "ok": lambda h: h.answer(),
    "ok-json": lambda h: h.answer('{"city": "Ulm", "people": 126}'),
    "ok-fenced-json": lambda h: h.answer('```json\n{"city": "Ulm", "people": 126}\n```'),
    "429-then-ok": _first(1, _too_many(0)),
    "429-forever": _too_many(None),
    "429-retry-after-long": _too_many(LONG_WAIT),
    "429-quota": lambda h: h.error(429, "You exceeded your current quota", "insufficient_quota"),
    "500-then-ok": _first(1, lambda h: h.error(500, "oops")),
    "500-forever": lambda h: h.error(500, "oops"),
    "503-html": lambda h: h.html(503),
    "slow-first-byte": _slow_first_byte,
    "stall-mid-stream": _stall,
    "cut-mid-stream": _cut,
    "cut-then-ok": _first(1, lambda h: h.reset()),
    "eof-no-done": _eof,
    "drip": _drip,
    "drip-headers": _drip_headers,
    "html-200": lambda h: h.html(),
    "json-array": lambda h: h.json([1, 2]),
    "json-null": lambda h: h.json(None),
    "missing-fields": lambda h: h.json({"id": "c1", "object": "chat.completion"}),
    "empty-choices": lambda h: h.json({"choices": []}),
    "null-content": lambda h: h.whole(None),
    "empty-stream": _empty_stream,
    "no-stream-at-all": _nothing,
    "401-echoes-key": _quote_all,
    "403": lambda h: h.error(403, "not for you"),
    "404-model": lambda h: h.error(404, "The model `m` does not exist", "model_not_found"),
    "context-length": lambda h: h.error(400, "This model's maximum context length is 8", "context_length_exceeded"),
    "400-param": lambda h: h.error(400, "temperature is too high", "invalid_request_error"),
    "content-filter": lambda h: h.answer("Half an answer", "content_filter"),
    "length": lambda h: h.answer("Half an answer", "length"),
    "refusal": _refusal,
    "tool-call": _tool_call,
    "invalid-utf8": _invalid_utf8,
    "lone-surrogate": _surrogates,
    "terminal-escapes": _escapes,
    "malformed-sse": _malformed_sse,
    "error-event": _error_event,
    "huge-line": _huge_line,
    "stream-ignored": lambda h: h.whole(),
    "no-stream-options": _no_stream_options,
    "redirect-other-host": _redirect,
    "embeddings-wrong-dimension": _wrong_dimension,
    "embeddings-shuffled": _shuffled,
    "embeddings-missing": _missing_vector,
    "embeddings-nan": _nan,
    "embeddings-zero": _zero,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.state = FaultServer(self.server_address[1], frozenset(FAULTS))

    def fault(self, name: str) -> Callable[[Handler], None] | None:
        return FAULTS.get(name)

    def note(self, seen: Seen) -> int:
        with self.lock:
            self.state.requests.append(seen)
            self.counts[seen.fault] += 1
            return self.counts[seen.fault]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


@contextlib.contextmanager
def running() -> Iterator[FaultServer]:
    """A server on a free port, until the end of the block."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.state
    finally:
        server.state.stop.set()
        server.shutdown()
        server.server_close()
        thread.join()
