"""One request of an OpenAI-compatible API: what good answers and faults are made of."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

WORDS = ("Hello", " from", " the", " server", ".")
TEXT = "".join(WORDS)
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


@dataclass
class Seen:
    """One request. `client_gone` is set when writing the answer failed."""

    fault: str
    method: str
    path: str
    headers: dict[str, str]
    body: Any
    client_gone: threading.Event = field(default_factory=threading.Event)


@dataclass
class FaultServer:
    """`url(NAME)` is the base URL of a fault; `requests` are those of the log, `count(NAME)` how many there were."""

    port: int
    known: frozenset[str] = frozenset()
    requests: list[Seen] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def url(self, fault: str) -> str:
        if fault not in self.known:
            raise KeyError(fault)
        return f"http://127.0.0.1:{self.port}/f/{fault}/v1"

    def count(self, fault: str) -> int:
        return sum(seen.fault == fault for seen in self.requests)

    def last(self) -> Seen:
        return self.requests[-1]


class Answering(Protocol):
    """What a handler needs of its server."""

    state: FaultServer

    def fault(self, name: str) -> Callable[[Handler], None] | None: ...

    def note(self, seen: Seen) -> int:
        """Log a request; returns the how manyth of its fault it is."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        raw = self.rfile.read(length) if length else b""
        body = json.loads(raw) if raw else None
        fault = self.path.split("/")[2] if self.path.startswith("/f/") else "?"
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.seen = Seen(fault, self.command, self.path, headers, body)
        server: Answering = self.server
        self.number = server.note(self.seen)
        handler = server.fault(fault)
        try:
            if handler is None:
                self.json({"error": {"message": "no such fault"}}, 404)
            else:
                handler(self)
        except OSError:
            self.seen.client_gone.set()
            self.close_connection = True

    # What faults are made of

    @property
    def wants_stream(self) -> bool:
        return bool(isinstance(self.seen.body, dict) and self.seen.body.get("stream"))

    @property
    def key(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    def send(self, data: bytes, content_type: str, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.send(json.dumps(value).encode(), "application/json", status, headers)

    def error(self, status: int, message: str, code: str = "error", headers: dict[str, str] | None = None) -> None:
        self.json({"error": {"message": message, "type": code, "code": code}}, status, headers)

    def html(self, status: int = 200) -> None:
        self.send(b"<!doctype html><title>Log in</title><h1>Please log in</h1>", "text/html; charset=utf-8", status)

    def begin_stream(self) -> None:
        """An SSE body without a length: the connection's end is its end."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True

    def raw(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def chunk(self, delta: dict[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        self.raw(b"data: " + json.dumps(body).encode() + b"\n\n")

    def usage_chunk(self) -> None:
        body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
        self.raw(b"data: " + json.dumps({**body, "usage": USAGE}).encode() + b"\n\n")

    def done(self) -> None:
        self.raw(b"data: [DONE]\n\n")

    def words(self, count: int = len(WORDS)) -> None:
        for word in WORDS[:count]:
            self.chunk({"content": word})

    def whole(self, text: str | None = TEXT, finish: str = "stop") -> None:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": finish}
        self.json({"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": USAGE})

    def answer(self, text: str | None = None, finish: str = "stop") -> None:
        """A good answer, streamed when asked for. `text` replaces the usual words."""
        if "/embeddings" in self.path:
            vectors(self)
        elif "/models" in self.path:
            self.json({"object": "list", "data": [{"id": "m-b", "object": "model"}, {"id": "m-a", "object": "model"}]})
        elif not self.wants_stream:
            self.whole(TEXT if text is None else text, finish)
        else:
            self.begin_stream()
            if text is None:
                self.words()
            else:
                self.chunk({"content": text})
            self.chunk({}, finish)
            if (self.seen.body.get("stream_options") or {}).get("include_usage"):
                self.usage_chunk()
            self.done()

    def wait(self) -> None:
        """Until the test ends or the client goes away."""
        self.connection.settimeout(0.05)
        while not self.server.state.stop.is_set():
            try:
                if self.connection.recv(1) == b"":
                    self.seen.client_gone.set()
                    break
            except TimeoutError:
                continue
        self.close_connection = True

    def reset(self) -> None:
        """Close with RST, as a crashed server does."""
        self.wfile.flush()
        time.sleep(0.05)  # let what was sent arrive: a reset throws away what was not read yet
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()


def vectors(h: Handler, change: Callable[[list[dict[str, Any]]], None] = lambda data: None) -> None:
    """Embeddings of three numbers: length, vowels, one."""
    texts = h.seen.body["input"]
    data = [
        {"object": "embedding", "index": i, "embedding": [float(len(t)), float(sum(c in "aeiou" for c in t)), 1.0]}
        for i, t in enumerate(texts)
    ]
    change(data)
    h.json({"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}})
