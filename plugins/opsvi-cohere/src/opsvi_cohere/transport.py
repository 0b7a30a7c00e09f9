"""The door between Cohere's SDK, which is built on httpx, and opsvi's guarded client, which is one of httpx2.

Every request of the SDK leaves through the guarded client: no other origin, size caps, the run's time limits.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import httpx2

_OWN = ("host", "content-length", "transfer-encoding", "connection", "accept-encoding")
"""Headers that the guarded client writes itself."""


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpx2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_raw()

    def close(self) -> None:
        self._answer.close()


class GuardedTransport(httpx.BaseTransport):
    """Sends by the given client, and gives back what it got. Errors are those of the client."""

    def __init__(self, client: httpx2.Client, *, with_key: bool) -> None:
        self._client = client
        self._left_out = _OWN if with_key else (*_OWN, "authorization")

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = [(name, value) for name, value in request.headers.multi_items() if name not in self._left_out]
        sent = self._client.build_request(request.method, str(request.url), headers=headers, content=request.read())
        answer = self._client.send(sent, stream=True)
        return httpx.Response(answer.status_code, headers=answer.headers.multi_items(), stream=_Body(answer))


def guarded(client: httpx2.Client, *, with_key: bool) -> httpx.Client:
    """A client for the SDK that does nothing of its own: no proxies of the environment, redirects or time limits."""
    transport = GuardedTransport(client, with_key=with_key)
    return httpx.Client(transport=transport, trust_env=False, follow_redirects=False, timeout=None)  # noqa: S113
