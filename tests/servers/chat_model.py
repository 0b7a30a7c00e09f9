"""A model's server that gives the answers it is told to, one after the other, and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ScriptedModel(ThreadingHTTPServer):
    """`answers`: texts, `(status, code)` of errors, or `{name: arguments}` of tool calls; the last one repeats.

    `asked` holds the messages of each request, `requests` its whole body.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[str | tuple[int, str] | dict[str, Any]] = ["Fine."]
        self.requests: list[dict[str, Any]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def asked(self) -> list[list[dict[str, Any]]]:
        return [request["messages"] for request in self.requests]


class _Handler(BaseHTTPRequestHandler):
    server: ScriptedModel

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        number = len(self.server.requests)
        self.server.requests.append(body)
        answer = self.server.answers[min(number, len(self.server.answers) - 1)]
        if isinstance(answer, tuple):
            self._send(answer[0], "application/json", json.dumps({"error": {"message": answer[1], "code": answer[1]}}))
            return
        message: dict[str, Any] = {"role": "assistant", "content": answer if isinstance(answer, str) else None}
        if isinstance(answer, dict):
            message["tool_calls"] = [
                {"index": n, "id": f"c{n}", "type": "function", "function": {"name": k, "arguments": json.dumps(v)}}
                for n, (k, v) in enumerate(answer.items())
            ]
        reason = "stop" if isinstance(answer, str) else "tool_calls"
        head = {"id": "1", "created": 1, "model": body["model"]}
        usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
        if not body.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": reason}
            self._send(200, "application/json", json.dumps({**head, "choices": [choice], "usage": usage}))
            return
        chunks = [
            {**head, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage},
        ]
        lines = [f"data: {json.dumps({**chunk, 'object': 'chat.completion.chunk'})}\n\n" for chunk in chunks]
        self._send(200, "text/event-stream", "".join([*lines, "data: [DONE]\n\n"]))

    def _send(self, status: int, content_type: str, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Tests read what they need from the server."""


@contextlib.contextmanager
def scripted() -> Iterator[ScriptedModel]:
    """A running server."""
    server = ScriptedModel()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
