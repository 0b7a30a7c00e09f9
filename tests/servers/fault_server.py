"""An OpenAI-compatible server that fails on purpose. The fault is chosen by the URL: `/f/NAME/v1`.

It listens on 127.0.0.1, keeps a log of the requests, and knows whether a client went away before the end.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer

from . import faults_embeddings, faults_stream, faults_whole
from .chat_handler import FaultServer, Handler, Seen

__all__ = ["FAULTS", "FaultServer", "running"]

FAULTS: dict[str, Callable[[Handler], None]] = {
    "ok": lambda h: h.answer(),
    "ok-json": lambda h: h.answer('{"city": "Ulm", "people": 126}'),
    "ok-fenced-json": lambda h: h.answer('```json\n{"city": "Ulm", "people": 126}\n```'),
    **faults_whole.FAULTS,
    **faults_stream.FAULTS,
    **faults_embeddings.FAULTS,
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
