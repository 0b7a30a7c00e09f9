"""A model's server that gives one answer after the other, the last again and again; whole, never streamed."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Call = tuple[str, str, str]
"""(id, name, arguments as text)."""


class Scripted(ThreadingHTTPServer):
    """`replies`: a text, or the calls of one answer. `asked` holds the bodies that came."""

    def __init__(self, replies: Sequence[str | Sequence[Call]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = list(replies)
        self.asked: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    def results(self) -> list[str]:
        """What the model was last told of its calls."""
        return [m["content"] for m in self.asked[-1]["messages"] if m["role"] == "tool"]


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        server = self.server
        server.asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        reply = server.replies[min(len(server.asked), len(server.replies)) - 1]
        data = json.dumps(_answer(reply)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _answer(reply: str | Sequence[Call]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply if isinstance(reply, str) else None}
    if not isinstance(reply, str):
        message["tool_calls"] = [
            {"id": number, "type": "function", "function": {"name": name, "arguments": arguments}}
            for number, name, arguments in reply
        ]
    choice = {"index": 0, "message": message, "finish_reason": "stop" if isinstance(reply, str) else "tool_calls"}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}


@contextlib.contextmanager
def scripted(*replies: str | Sequence[Call]) -> Iterator[Scripted]:
    server = Scripted(replies)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
