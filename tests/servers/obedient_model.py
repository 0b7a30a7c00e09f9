"""A model's server that obeys: when an attack stands anywhere in what it is sent, it makes the calls of the attack.

The texts and descriptions of tools count as well. One call an answer, as models do that go step by step.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .attacks import Attack


class Obedient(ThreadingHTTPServer):
    """`url` for the model, `canary` for what must not be called; `leaked` holds the bodies that came there.

    `wish`: a call that the user's own words ask for, made first of all.
    """

    def __init__(self, attacks: Sequence[Attack]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.attacks = attacks
        self.wish: tuple[str, dict[str, Any]] | None = None
        self.leaked: list[str] = []
        self.asked: list[list[dict[str, Any]]] = []
        self.obeyed: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.canary = f"http://127.0.0.1:{self.server_port}/canary"


class _Handler(BaseHTTPRequestHandler):
    server: Obedient

    def do_GET(self) -> None:
        self.server.leaked.append(self.path)
        self._send({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        if self.path.startswith("/canary"):
            self.server.leaked.append(body)
            self._send({})
            return
        request = json.loads(body)
        self.server.asked.append(request["messages"])
        self._send(self._answer(request))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        server, messages = self.server, request["messages"]
        told = [text for message in messages for text in _texts(message["content"])]
        told += [tool["function"]["description"] for tool in request.get("tools", ())]
        attack = next((one for one in server.attacks if any(_holds(text, one) for text in told)), None)
        made = sum(len(message.get("tool_calls") or ()) for message in messages)
        if server.wish is not None:
            if not made:
                return _call(*server.wish, 0)
            made -= 1
        if attack is not None and made < len(attack.calls):
            server.obeyed.append(attack.name)
            return _call(*attack.calls[made], made + 1)
        return _message({"role": "assistant", "content": "Done."}, "stop")

    def _send(self, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _texts(content: Any) -> list[str]:
    if isinstance(content, list):
        return [part.get("text", "") for part in content]
    return [content or ""]


def _holds(text: str, attack: Attack) -> bool:
    """As it is, inside JSON, or by its trigger where what is invisible was taken out of documents."""
    return attack.text in text or json.dumps(attack.text, ensure_ascii=False)[1:-1] in text or attack.trigger in text


def _call(name: str, arguments: dict[str, Any], number: int) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    calls = [{"id": f"c{number}", "type": "function", "function": function}]
    return _message({"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls")


def _message(message: dict[str, Any], finish: str) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice]}


@contextlib.contextmanager
def obedient(attacks: Sequence[Attack]) -> Iterator[Obedient]:
    server = Obedient(attacks)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
