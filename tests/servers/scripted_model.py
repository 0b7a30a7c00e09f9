"""A model's server that gives one answer after the other, the last again and again, whole or as a stream."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Call = tuple[str, str, str]
"""(id, name, arguments as text)."""
Reply = str | tuple[int, str] | list[Call]
"""A text, status and code of an error, or the calls of one answer."""


class Scripted(ThreadingHTTPServer):
    """`asked` holds the bodies that came."""

    def __init__(self, replies: Sequence[Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies = list(replies)
        self.asked: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def talks(self) -> list[list[dict[str, Any]]]:
        """The messages of each request."""
        return [body["messages"] for body in self.asked]

    def results(self) -> list[str]:
        """What the model was last told of its calls."""
        return [m["content"] for m in self.talks[-1] if m["role"] == "tool"]


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        server.asked.append(body)
        reply = server.replies[min(len(server.asked), len(server.replies)) - 1]
        if isinstance(reply, tuple):
            status, code = reply
            self._send(status, "application/json", json.dumps({"error": {"message": code, "code": code}}))
        elif body.get("stream"):
            chunks = [json.dumps({**part, "object": "chat.completion.chunk"}) for part in _parts(reply, "delta")]
            self._send(200, "text/event-stream", "".join(f"data: {chunk}\n\n" for chunk in [*chunks, "[DONE]"]))
        else:
            message, end = _parts(reply, "message")
            end["choices"][0]["message"] = message["choices"][0]["message"]
            self._send(200, "application/json", json.dumps({**end, "object": "chat.completion"}))

    def _send(self, status: int, kind: str, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _parts(reply: str | list[Call], field: str) -> list[dict[str, Any]]:
    """What is said, and how it ends."""
    message: dict[str, Any] = {"role": "assistant", "content": reply if isinstance(reply, str) else None}
    if not isinstance(reply, str):
        message["tool_calls"] = [
            {"index": n, "id": number, "type": "function", "function": {"name": name, "arguments": arguments}}
            for n, (number, name, arguments) in enumerate(reply)
        ]
    head = {"id": "x", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}
    reason = "stop" if isinstance(reply, str) else "tool_calls"
    return [
        {**head, "choices": [{"index": 0, field: message, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, field: {}, "finish_reason": reason}], "usage": usage},
    ]


@contextlib.contextmanager
def scripted(*replies: Reply) -> Iterator[Scripted]:
    """A running server."""
    server = Scripted(replies)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
