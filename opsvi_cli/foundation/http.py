"""The one place where HTTP clients are made, and `fetch` for documents.

Two kinds of client, one guard: `fetch_client` reads what URLs in arguments and pages point to; `make_client` is for
parts, whose servers the user configured. `guarded_client` is under both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsvi_cli import __version__
from opsvi_cli.errors import NetworkError

from .schema import Http, Root

if TYPE_CHECKING:
    import httpx2

    from .network import Resolve, Waits
    from .resilience import Resilience

API_MAX_BYTES = 16_000_000
"""Largest answer of a model's server in one piece, or line of a streamed one: ten times the longest context."""
API_MAX_STREAM = 64_000_000
"""Largest streamed answer: 150 000 tokens, each with some 400 bytes around it."""
USER_AGENT = f"opsvi/{__version__}"
_NO_DOCUMENTS = ("image/", "audio/", "video/", "font/")


def _unlimited() -> float | None:
    return None


def guarded_client(
    settings: Http,
    *,
    allow_private: bool = False,
    waits: Waits | None = None,
    remaining: Callable[[], float | None] | None = None,
    asked: Callable[[str], None] = lambda _url: None,
    user_agent: str = USER_AGENT,
    same_origin: bool = False,
    max_bytes: int | None = None,
    resolve: Resolve | None = None,
) -> httpx2.Client:
    """A guarded client. Its own refusals are NetworkError, the end of the run's time is DeadlineError.

    `waits`: how long each step may take at most (default: that of a document). `asked` is told the URL
    of each request. `same_origin`: a redirect to another scheme, host or port is refused, because the body would go
    there. `max_bytes`: of one body, decompressed; of one line of a stream of events.
    """
    import httpx2

    from .network import GuardedBackend, Wait, Waits, system_resolve
    from .transport import ACCEPT_ENCODING, GuardedTransport, Limit

    trusted = frozenset({httpx2.URL(settings.proxy).host}) if settings.proxy else frozenset()
    if waits is None:
        idle = Wait(settings.read_timeout, "http.read_timeout")
        waits = Waits(Wait(settings.connect_timeout, "http.connect_timeout"), idle, idle)
    backend = GuardedBackend(
        allow_private=allow_private,
        waits=waits,
        remaining=remaining or _unlimited,
        resolve=resolve or system_resolve,
        trusted=trusted,
    )
    transport = GuardedTransport(
        backend,
        limit=Limit(settings.max_bytes, "allow more with http.max_bytes")
        if max_bytes is None
        else Limit(max_bytes, "ask for less", API_MAX_STREAM),
        allow_private=allow_private,
        proxy=settings.proxy,
        asked=asked,
    )
    return httpx2.Client(
        transport=transport,
        timeout=httpx2.Timeout(None, connect=waits.connect.seconds),
        headers={"user-agent": user_agent, "accept-encoding": ACCEPT_ENCODING},
        follow_redirects=True,
        max_redirects=settings.max_redirects,
        trust_env=False,
        event_hooks={"response": [_redirect_guard(same_origin)]},
    )


def fetch_client(
    settings: Root, remaining: Callable[[], float | None] | None = None, *, user_agent: str = USER_AGENT
) -> httpx2.Client:
    """For documents: private addresses only with `http.allow_private`, redirects to any public host."""
    http = settings.http
    return guarded_client(http, allow_private=http.allow_private, remaining=remaining, user_agent=user_agent)


def make_client(
    settings: Root,
    *,
    allow_private: bool = False,
    timeout: float | None = None,
    remaining: Callable[[], float | None] | None = None,
    asked: Callable[[str], None] = lambda _url: None,
) -> httpx2.Client:
    """For parts (`Services.http`): with `allow_private` the host is the user's configuration, and never left.

    `timeout` stands for both `http.first_byte_timeout` and `http.read_timeout`.
    """
    from .network import Wait, Waits

    http = settings.http
    connect = Wait(http.connect_timeout, "http.connect_timeout")
    if timeout is None:
        first = Wait(http.first_byte_timeout, "http.first_byte_timeout")
        waits = Waits(connect, first, Wait(http.read_timeout, "http.read_timeout"))
    else:
        waits = Waits(Wait(min(http.connect_timeout, timeout)), Wait(timeout), Wait(timeout))
    return guarded_client(
        http,
        allow_private=allow_private,
        waits=waits,
        remaining=remaining,
        asked=asked,
        same_origin=allow_private,
        max_bytes=API_MAX_BYTES if allow_private else None,
    )


def _redirect_guard(same_origin: bool) -> Callable[[httpx2.Response], None]:
    def check(response: httpx2.Response) -> None:
        if not response.has_redirect_location:
            return
        import httpx2

        here = response.request.url
        try:
            there = here.join(response.headers["location"])
        except httpx2.InvalidURL as error:
            raise NetworkError(f"{_shown(here)} redirects to something that is no URL") from error
        to = f"{_shown(here)} redirects to {_shown(there)}"
        if there.scheme not in ("http", "https"):
            raise NetworkError(f"{to}: only http and https are followed")
        if here.scheme == "https" and there.scheme == "http":
            raise NetworkError(f"{to}: not followed, it leaves https", hint="give the final address yourself")
        if same_origin and (here.scheme, here.host, _port(here)) != (there.scheme, there.host, _port(there)):
            raise NetworkError(
                f"{to}: not followed, what was sent would go to another server", hint="set base_url to that address"
            )

    return check


def _port(url: httpx2.URL) -> int:
    return url.port or {"http": 80, "https": 443}.get(url.scheme, 0)


def _shown(url: httpx2.URL) -> str:
    """A URL for messages: without credentials, and without the query, which may hold a key."""
    return str(url.copy_with(username=None, password=None, query=None, fragment=None))[:300]


class TransientError(NetworkError):
    """A fetch failed in a way that may pass. `retry_after` is in seconds."""

    retryable = True

    def __init__(
        self, message: str, *, hint: str = "", retry_after: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message, hint=hint, details={"status": status})
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL gave. `url` is where it was found in the end, without credentials and fragment.

    `status` is 200, or 304 with no data when `headers` asked whether it changed.
    """

    url: str
    status: int
    media_type: str
    charset: str
    data: bytes
    etag: str
    last_modified: str


def fetch(
    client: httpx2.Client,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    resilience: Resilience | None = None,
    images: bool = False,
) -> Fetched:
    """Read a document, with `images` also an image.

    With `resilience` it is retried, rate limited and stopped by the host's breaker. Raises NetworkError that says what
    the server answered, DeadlineError.
    """
    import httpx2

    try:
        target = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise NetworkError(f"{url[:200]} is not a URL: {error}") from error
    if target.scheme not in ("http", "https") or not target.host:
        raise NetworkError(f"{url[:200]}: only http and https URLs can be fetched")
    target = target.copy_with(fragment=None)

    def once() -> Fetched:
        try:
            return _fetch_once(client, target, headers or {}, images=images)
        except httpx2.TooManyRedirects as error:
            raise NetworkError(f"{_shown(target)} redirects too often") from error
        except httpx2.TimeoutException as error:
            raise TransientError(
                f"{_shown(target)}: {str(error) or 'no answer in time'}", hint="try again later, or allow more"
            ) from error
        except httpx2.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise TransientError(f"{_shown(target)} cannot be fetched: {reason}") from error

    return resilience.call(f"fetch@{target.host}:{_port(target)}", once) if resilience else once()


def _fetch_once(client: httpx2.Client, url: httpx2.URL, headers: Mapping[str, str], *, images: bool) -> Fetched:
    with client.stream("GET", url, headers=dict(headers)) as response:
        media_type, _, parameters = response.headers.get("content-type", "").partition(";")
        media_type = media_type.strip().lower()
        if response.status_code != 304:
            _check_status(response)
            if media_type.startswith(_NO_DOCUMENTS) and not (images and media_type.startswith("image/")):
                raise NetworkError(f"{_shown(response.url)} is {media_type[:60]}: not a document")
        data = b"" if response.status_code == 304 else response.read()
        final = response.url.copy_with(username=None, password=None, fragment=None)
        return Fetched(
            url=str(final),
            status=response.status_code,
            media_type=media_type,
            charset=_charset(parameters),
            data=data,
            etag=response.headers.get("etag", ""),
            last_modified=response.headers.get("last-modified", ""),
        )


def _charset(parameters: str) -> str:
    for part in parameters.split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("'\"").lower()
    return ""


def _check_status(response: httpx2.Response) -> None:
    """Raises NetworkError whose details hold the `status`."""
    status, url = response.status_code, _shown(response.url)
    if status == 200:
        return
    details = {"status": status}
    if status in (401, 403, 407):
        hint = "download it yourself and give the file"
        raise NetworkError(f"{url} wants a log-in ({status})", hint=hint, details=details)
    if status in (404, 410):
        raise NetworkError(f"{url} is not there ({status})", hint="check the address", details=details)
    if status in (408, 425, 429) or status >= 500:
        from opsvi_cli.sdk import retry_after

        wait = retry_after(response.headers)
        asks = f" and asks to wait {wait:.0f} s" if wait else ""
        message = f"{url} is not available now ({status}){asks}"
        raise TransientError(message, hint="try again later", retry_after=wait, status=status)
    raise NetworkError(f"{url} answered with status {status}", details=details)
