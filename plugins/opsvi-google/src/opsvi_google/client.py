"""The official SDK `google-genai` as opsvi uses it: over the guarded HTTP client, with no retries of its own.

The SDK is imported when a client is made.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import Connection, OpsviError, Server, Services, connection, errors_translated

if TYPE_CHECKING:
    import httpx2
    from google.genai import Client

_HOSTS = ("generativelanguage.googleapis.com",)
"""What the vendor's key is for; another server gets the one of the setting `api_key`."""
DEFAULT_URL = "https://generativelanguage.googleapis.com"
_ANSWERS = ("json", "event-stream")


def google_connection(services: Services, section: str = "providers") -> Connection:
    """Read base_url, api_key, timeout of the part. Raises UsageError, CredentialsError."""
    return connection(
        services, DEFAULT_URL, variables=("GEMINI_API_KEY", "GOOGLE_API_KEY"), hosts=_HOSTS, section=section
    )


@contextlib.contextmanager
def open_client(services: Services, where: Connection, server: Server) -> Iterator[Client]:
    """A client whose connections are closed at the end, which also cancels a request under way.

    Whatever is raised inside becomes ProviderError or CredentialsError.
    """
    with services.http(allow_private=True, timeout=where.timeout) as http:
        _adapt(http, where, server)
        with errors_translated(server, translate):
            yield _client(http, where)


def _client(http: httpx2.Client, where: Connection) -> Client:
    import httpx2
    from google import genai
    from google.genai import types

    # Words of the API that this version of the SDK does not know are told as warnings on stderr.
    warnings.filterwarnings("ignore", module=r"google\.genai")
    # Without one the SDK makes a second client, which nothing guards; this one can send nothing.
    unused = httpx2.AsyncClient(transport=httpx2.AsyncBaseTransport())
    return genai.Client(
        vertexai=False,
        api_key=where.key or "none",  # the SDK insists on one, or takes that of the environment
        http_options=types.HttpOptions(
            base_url=where.base_url, api_version="v1beta", httpx_client=http, httpx_async_client=unused
        ),
    )


def _adapt(http: httpx2.Client, where: Connection, server: Server) -> None:
    timeout = http.timeout.as_dict()

    def prepare(request: httpx2.Request) -> None:
        request.extensions["timeout"] = timeout  # the SDK takes away the client's own
        if not where.key:
            request.headers.pop("x-goog-api-key", None)

    def check(response: httpx2.Response) -> None:
        kind = response.headers.get("content-type", "")
        if response.is_success and not any(word in kind for word in _ANSWERS):
            raise server.bad_response("the answer is no answer of a model", content_type=kind or "none")

    hooks = http.event_hooks
    http.event_hooks = {"request": [*hooks["request"], prepare], "response": [*hooks["response"], check]}


def translate(error: Exception, server: Server) -> OpsviError | None:
    """The error for one of the SDK; None for any other."""
    from google.genai import errors

    if isinstance(error, errors.APIError):
        return _api_error(error, server)
    return None


def _api_error(error: Any, server: Server) -> OpsviError:
    """An HTTP status, or an error that came as a chunk of a stream."""
    status = error.code if isinstance(error.code, int) else 500
    text = error.message if isinstance(error.message, str) and "<" not in error.message else ""
    details = _details(error.details)
    if any(detail.get("reason") == "API_KEY_INVALID" for detail in details):
        return server.unauthorized(status, text)
    headers = {
        str(name).lower(): str(value) for name, value in (getattr(error.response, "headers", None) or {}).items()
    }
    if wait := _retry_delay(details):
        headers.setdefault("retry-after", wait)
    if status == 429 and (limits := _minute_limits(details)):
        # The sentence is the same as for a quota of the account that is used up; waiting helps here.
        text = f"limit of {limits}"
    return server.status_error(status, text, code=str(error.status or ""), headers=headers)


def _details(body: object) -> list[Mapping[str, Any]]:
    """`error.details` of the answer: typed remarks such as RetryInfo and QuotaFailure."""
    error = body.get("error") if isinstance(body, Mapping) else None
    details = error.get("details") if isinstance(error, Mapping) else None
    return [detail for detail in details if isinstance(detail, Mapping)] if isinstance(details, list) else []


def _retry_delay(details: list[Mapping[str, Any]]) -> str:
    """Seconds that RetryInfo asks to wait (`34.07s`); empty when it does not."""
    for detail in details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and delay.endswith("s"):
            return delay[:-1]
    return ""


def _minute_limits(details: list[Mapping[str, Any]]) -> str:
    """The limits per minute that were reached; empty when one per day was, or none is named."""
    names = [
        str(violation.get("quotaId") or violation.get("quotaMetric") or "")
        for detail in details
        for violation in detail.get("violations") or ()
        if isinstance(violation, Mapping)
    ]
    return ", ".join(names) if names and all("PerMinute" in name for name in names) else ""
