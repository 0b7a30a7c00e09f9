"""A server that streams a given number of chunks, for the benchmark: `/CHUNKS/v1`. Prints its port; ends with stdin."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def events(count: int) -> bytes:
    """A streamed answer in the shape of OpenAI's, with the fields that its servers send."""
    base = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "system_fingerprint": "f",
    }
    lines = []
    for number in range(count):
        delta = {"content": f" word{number % 10}" + ("\n" if number % 20 == 19 else "")}
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}
        lines.append("data: " + json.dumps({**base, "choices": [choice]}) + "\n\n")
    last = {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    return "".join([*lines, "data: " + json.dumps(last) + "\n\n", "data: [DONE]\n\n"]).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        body = events(int(self.path.split("/")[1]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        # In the pieces in which a network delivers a quick server's events.
        for start in range(0, len(body), 1400):
            self.wfile.write(body[start : start + 1400])
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
