"""The transport under every HTTP client of opsvi: guarded connections, bodies counted after decompression.

Bodies are decompressed here and not by the client, so that a small body which unpacks to gigabytes is stopped while it
unpacks. Only one layer of gzip or deflate is accepted, which is all that the client offers to servers.
"""

from __future__ import annotations

import contextlib
import socket
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import httpcore2
import httpx2

from opsvi_cli.errors import NetworkError

from .network import DeadlineStream, GuardedBackend, is_public, refused

ACCEPT_ENCODING = "gzip, deflate"
_STEP = 65_536


@contextlib.contextmanager
def _as_httpx2() -> Iterator[None]:
    """Errors of the connection pool under the names that users of httpx2 catch: both libraries use the same ones."""
    try:
        yield
    except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.ProxyError) as error:
        raise getattr(httpx2, type(error).__name__)(str(error)) from error
    except httpcore2.UnsupportedProtocol as error:
        raise httpx2.UnsupportedProtocol(str(error)) from error


class _Inflate:
    """gzip or deflate, a bounded piece at a time (RFC 1950, 1951, 1952)."""

    def __init__(self) -> None:
        self._decoder: zlib._Decompress | None = None
        self._fresh = True

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._decoder is None or self._decoder.eof:
                # 47: gzip or zlib by their header. Some servers send deflate without one, which cannot start with 8.
                raw = self._fresh and data[:1] != b"\x1f" and data[0] & 0x0F != 8
                self._decoder = zlib.decompressobj(-zlib.MAX_WBITS if raw else 47)
                self._fresh = False
            yield self._decoder.decompress(data, _STEP)
            data = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail

    @property
    def complete(self) -> bool:
        return self._decoder is None or self._decoder.eof


@dataclass(frozen=True)
class Limit:
    """How large one body may be after decompression; `hint` says what to do about it.

    `stream`: how large one of server-sent events, where no line may be longer than `max_bytes`; 0: as any other.
    """

    max_bytes: int
    hint: str
    stream: int = 0

    def exceeded(self, url: str, most: int) -> NetworkError:
        return NetworkError(f"{url} sends more than {most} bytes", hint=self.hint)


class _Body(httpx2.SyncByteStream):
    """A response's body: decompressed, counted, cut off with NetworkError when it is too large."""

    def __init__(
        self, stream: Iterable[bytes], encoding: str, limit: Limit, most: int, url: str, begun: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._begun = begun
        self._encoding = encoding
        self._limit = limit
        self._most = most  # of the whole body
        self._url = url

    def __iter__(self) -> Iterator[bytes]:
        count = line = 0
        for piece in self._pieces():
            count += len(piece)
            if count > self._most:
                raise self._limit.exceeded(self._url, self._most)
            end = piece.rfind(b"\n")
            line = line + len(piece) if end < 0 else len(piece) - end - 1
            if line > self._limit.max_bytes:
                raise self._limit.exceeded(self._url, self._limit.max_bytes)
            yield piece

    def _pieces(self) -> Iterator[bytes]:
        with _as_httpx2():
            if not self._encoding:
                yield from self._raw()
                return
            inflate = _Inflate()
            try:
                for raw in self._raw():
                    yield from inflate.feed(raw)
            except zlib.error as error:
                raise httpx2.DecodingError(f"the compressed answer is damaged: {error}") from error
            if not inflate.complete:
                raise httpx2.DecodingError("the compressed answer ends in the middle")

    def _raw(self) -> Iterator[bytes]:
        pieces = iter(self._stream)
        for piece in pieces:
            self._begun()
            yield piece
            break
        yield from pieces

    def close(self) -> None:
        if hasattr(self._stream, "close"):
            self._stream.close()


class GuardedTransport(httpx2.BaseTransport):
    """`limit` bounds each body; `proxy` is a URL or empty: private hosts that are allowed are reached without it."""

    def __init__(
        self,
        backend: GuardedBackend,
        *,
        limit: Limit,
        allow_private: bool,
        proxy: str = "",
        asked: Callable[[str], None] = lambda _url: None,
    ) -> None:
        """`asked` is told the URL of each request, without credentials and query."""
        self._limit = limit
        self._asked = asked
        self._allow_private = allow_private
        self._direct = httpcore2.ConnectionPool(
            network_backend=backend, max_connections=20, max_keepalive_connections=5, keepalive_expiry=30.0
        )
        self._proxied: httpcore2.ConnectionPool | None = None
        if proxy:
            url = httpx2.URL(proxy)
            auth = (url.username, url.password) if url.username else None
            bare = str(url.copy_with(username=None, password=None))
            self._proxied = httpcore2.HTTPProxy(bare, proxy_auth=auth, network_backend=backend)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises NetworkError for what is refused, httpx2.TransportError for what fails."""
        url = str(request.url.copy_with(username=None, password=None, query=None, fragment=None))
        if request.url.scheme not in ("http", "https"):
            raise NetworkError(f"{url}: only http and https are fetched")
        self._asked(url)
        pool = self._pool_for(request.url.host)
        core = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx2():
            answer = pool.handle_request(core)
        try:
            return self._response(answer, url)
        except BaseException:
            answer.close()
            raise

    def _pool_for(self, host: str) -> httpcore2.ConnectionPool:
        """Raises NetworkError for a private host that is not allowed."""
        if self._proxied is None:
            return self._direct
        address = private_literal(host)
        if address and not self._allow_private:
            raise refused(host, address)
        return self._direct if address else self._proxied

    def _response(self, answer: httpcore2.Response, url: str) -> httpx2.Response:
        headers = httpx2.Headers(answer.headers)
        streamed = headers.get("content-type", "").startswith("text/event-stream")
        most = self._limit.stream if streamed and self._limit.stream else self._limit.max_bytes
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            raise self._limit.exceeded(url, most)
        encoding = headers.get("content-encoding", "").strip().lower().removeprefix("x-")
        if encoding == "identity":
            encoding = ""
        if encoding not in ("", "gzip", "deflate"):
            raise NetworkError(f"{url} sends an encoding that was not asked for: {encoding[:40]}")
        if encoding:
            headers = httpx2.Headers(
                [(k, v) for k, v in headers.multi_items() if k not in ("content-encoding", "content-length")]
            )
        assert isinstance(answer.stream, Iterable)
        connection = answer.extensions.get("network_stream")
        begun = connection.answering if isinstance(connection, DeadlineStream) else _nothing
        body = _Body(answer.stream, encoding, self._limit, most, url, begun)
        return httpx2.Response(answer.status, headers=headers, stream=body, extensions=answer.extensions)

    def close(self) -> None:
        self._direct.close()
        if self._proxied is not None:
            self._proxied.close()


def _nothing() -> None:
    """For answers whose connection is not ours."""


def private_literal(host: str) -> str:
    """The private address that a host is by its spelling alone; empty for others.

    Behind a proxy names are resolved elsewhere: this is all that can be seen from here.
    """
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return "127.0.0.1"
    try:
        found = socket.getaddrinfo(name, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return ""
    return next((str(entry[4][0]) for entry in found if not is_public(str(entry[4][0]))), "")
