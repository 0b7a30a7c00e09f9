"""A web site on 127.0.0.1 whose pages are functions."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Handler = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """A web site on 127.0.0.1: `pages[path]` answers, `seen` are the paths asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, Handler] = {}
        self.seen: list[str] = []
        self.headers: list[dict[str, str]] = []
        site = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.seen.append(self.path)
                site.headers.append({name.lower(): value for name, value in self.headers.items()})
                handler = site.pages.get(self.path)
                if handler is None:
                    send(self, b"not here", status=404)
                else:
                    handler(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Answer)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"


def send(
    h: BaseHTTPRequestHandler,
    data: bytes,
    content_type: str = "text/plain",
    status: int = 200,
    **headers: str,
) -> None:
    h.send_response(status)
    h.send_header("content-type", content_type)
    h.send_header("content-length", str(len(data)))
    for name, value in headers.items():
        h.send_header(name.replace("_", "-"), value)
    h.end_headers()
    h.wfile.write(data)


def page(data: bytes, content_type: str = "text/plain", status: int = 200, **headers: str) -> Handler:
    return lambda h: send(h, data, content_type, status, **headers)


@contextlib.contextmanager
def running() -> Iterator[Site]:
    """A site on a free port, until the end of the block."""
    site = Site()
    thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        site.server.server_close()
        thread.join()
