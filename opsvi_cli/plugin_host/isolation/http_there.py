"""In the child: an `httpx2.Client` whose requests opsvi makes. Imported only where the plugin brought httpx2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2

from .services_there import RemoteBody, RemoteHttp


def open_client(remote: RemoteHttp) -> httpx2.Client:
    """With the headers, time limits and redirects of opsvi's own client; each redirect passes its guard again."""
    defaults = remote.defaults
    return httpx2.Client(
        transport=_Transport(remote),
        headers=dict(defaults["headers"]),
        timeout=httpx2.Timeout(**defaults["timeout"]),
        follow_redirects=True,
        max_redirects=defaults["max_redirects"],
        trust_env=False,
    )


def _failure(answer: Mapping[str, Any], request: httpx2.Request) -> httpx2.RequestError:
    """The exception of httpx2 that opsvi met."""
    kind = getattr(httpx2, str(answer["failed"]), None)
    if not (isinstance(kind, type) and issubclass(kind, httpx2.RequestError)):
        kind = httpx2.TransportError
    error: httpx2.RequestError = kind(str(answer["text"]), request=request)
    return error


class _Body(httpx2.SyncByteStream):
    def __init__(self, remote: RemoteBody, request: httpx2.Request) -> None:
        self._remote = remote
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._remote.pieces():
            if not isinstance(piece, bytes):
                raise _failure(piece, self._request)
            yield piece

    def close(self) -> None:
        self._remote.close()


class _Transport(httpx2.BaseTransport):
    def __init__(self, remote: RemoteHttp) -> None:
        self._remote = remote

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises NetworkError for what opsvi's guard refuses, httpx2.TransportError for what fails."""
        answer = self._remote.send(
            request.method,
            str(request.url),
            list(request.headers.multi_items()),
            request.read(),
            request.extensions.get("timeout", {}),
        )
        if "failed" in answer:
            raise _failure(answer, request)
        return httpx2.Response(answer["status"], headers=answer["headers"], stream=_Body(answer["body"], request))
