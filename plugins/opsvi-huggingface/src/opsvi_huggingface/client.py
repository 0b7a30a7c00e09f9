"""The official `huggingface_hub` client as opsvi uses it: every request over the guarded HTTP client.

The library is imported when a client is made. It sends everything over one session for the whole process; the session
put there hands each request to the guarded client of the call under way.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from opsvi_cli.sdk import (
    Connection,
    CredentialsError,
    OpsviError,
    Server,
    Services,
    UsageError,
    connection,
    errors_translated,
)

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import InferenceClient

ROUTER = "https://router.huggingface.co"
_HOSTS = (".huggingface.co", ".endpoints.huggingface.cloud")
"""What the token is for; another server gets the key of the setting `api_key`."""
_ANSWERS = ("json", "event-stream")
_DIALECTS = ("router", "server")
_T = TypeVar("_T")
_guarded: ContextVar[httpx2.Client | None] = ContextVar("guarded", default=None)


@dataclass(frozen=True)
class Endpoint:
    """Where requests go. `own`: a TGI or TEI server, not the router that knows all models."""

    where: Connection
    own: bool


def endpoint(services: Services, section: str = "providers", address: str = "base_url") -> Endpoint:
    """Read base_url (or the setting `address`), dialect, api_key, timeout. Raises UsageError, CredentialsError."""
    dialect = services.options.get("dialect") or (
        "server" if services.options.get(address) or services.options.get("base_url") else "router"
    )
    if dialect not in _DIALECTS:
        raise UsageError(
            f"{services.name}: dialect {dialect!r} is none of {', '.join(_DIALECTS)}",
            hint=f"opsvi config set {section}.{services.name}.dialect router",
        )
    variables = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
    where = connection(services, ROUTER, variables=variables, hosts=_HOSTS, section=section, address=address)
    if dialect == "router" and where.key and not where.key.startswith("hf_"):
        raise CredentialsError(
            f"{services.name}: the key is no token of Hugging Face, which begins with hf_",
            hint=f"`opsvi secrets set {services.name}` stores another one",
        )
    return Endpoint(where, own=dialect == "server")


@contextlib.contextmanager
def open_http(services: Services, at: Endpoint, server: Server) -> Iterator[httpx2.Client]:
    """The guarded client. Its connections are closed at the end, which also cancels a request under way.

    Whatever is raised inside becomes ProviderError or CredentialsError.
    """
    with services.http(allow_private=True, timeout=at.where.timeout) as http:
        _adapt(http, at, server)
        with errors_translated(server, translate):
            yield http


@contextlib.contextmanager
def open_client(
    services: Services, at: Endpoint, server: Server, **options: Any
) -> Iterator[tuple[InferenceClient, Callable[[Callable[[], _T]], _T]]]:
    """(client, call): `call(lambda: client...)` makes a request. Ends and raises as `open_http` does."""
    with open_http(services, at, server) as http:
        _take_over_sessions()
        from huggingface_hub import InferenceClient

        key = at.where.key or "none"  # without one the library would look into its own files
        with InferenceClient(api_key=key, **options) as client:
            yield client, functools.partial(_through, http)


def _through(http: httpx2.Client, make: Callable[[], _T]) -> _T:
    """Only the call that sends the request: a stream is read from its own response."""
    token = _guarded.set(http)
    try:
        return make()
    finally:
        _guarded.reset(token)


@functools.cache
def _take_over_sessions() -> None:
    import httpx2
    from huggingface_hub import set_client_factory

    class Session(httpx2.Client):
        def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            guarded = _guarded.get()
            return guarded.send(request, **options) if guarded is not None else super().send(request, **options)

    # As the library makes its own, for others in this process that load models with it.
    set_client_factory(lambda: Session(follow_redirects=True, timeout=None))


def _adapt(http: httpx2.Client, at: Endpoint, server: Server) -> None:
    import httpx2

    timeout = http.timeout.as_dict()
    base = httpx2.URL(at.where.base_url)

    def prepare(request: httpx2.Request) -> None:
        request.extensions["timeout"] = timeout  # the library takes away the client's own
        if request.url.host == httpx2.URL(ROUTER).host and base.host != request.url.host:
            # It knows one address of the router only.
            request.url = request.url.copy_with(scheme=base.scheme, host=base.host, port=base.port)
            request.headers["host"] = base.netloc.decode("ascii")
        if not at.where.key:
            request.headers.pop("authorization", None)

    def check(response: httpx2.Response) -> None:
        if response.status_code >= 400:  # before the library reads it, which takes any JSON for an object
            raise _status_error(response, server)
        kind = response.headers.get("content-type", "")
        if response.is_success and not any(word in kind for word in _ANSWERS):
            raise server.bad_response("the answer is no answer of a model", content_type=kind or "none")

    hooks = http.event_hooks
    http.event_hooks = {"request": [*hooks["request"], prepare], "response": [*hooks["response"], check]}


def translate(error: Exception, server: Server) -> OpsviError | None:
    """The error for one of the SDK; None for any other."""
    names = {cls.__name__ for cls in type(error).__mro__}
    if "InferenceTimeoutError" in names:
        return server.timed_out()
    if "TextGenerationError" in names:  # in the middle of a stream
        return server.broke_off(str(error))
    return None


def _status_error(response: httpx2.Response, server: Server) -> OpsviError:
    try:
        response.read()
        body = response.json()
    except ValueError:
        body = None
    text = server.said(body)[1]
    if response.status_code == 424:  # TGI and TEI: the model itself failed
        return server.broke_off(text)
    too_long = "must be <=" in text or "must have less than" in text or "must have at most" in text
    code = "context_length_exceeded" if too_long and "token" in text else ""
    return server.status_error(response.status_code, text, code=code, headers=response.headers)
