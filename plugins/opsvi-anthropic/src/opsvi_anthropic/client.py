"""Anthropic's SDK as opsvi uses it: guarded HTTP client, no retries of its own, its errors as errors of opsvi.

The SDK is imported when a client is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import Connection, OpsviError, Server, Services, connection, errors_translated

if TYPE_CHECKING:
    import httpx2
    from anthropic import Anthropic

DEFAULT_URL = "https://api.anthropic.com"
_STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
}
"""What an error in the middle of a stream would have been as an HTTP status; the others are the server's own fault."""


def anthropic_connection(services: Services) -> Connection:
    """Read base_url, api_key, timeout of the part. Raises UsageError, CredentialsError."""
    return connection(services, DEFAULT_URL, variables=("ANTHROPIC_API_KEY",))


@contextlib.contextmanager
def open_client(services: Services, where: Connection, server: Server) -> Iterator[Anthropic]:
    """A client whose connections are closed at the end, which also cancels a request under way.

    Whatever is raised inside becomes ProviderError or CredentialsError.
    """
    from anthropic import Anthropic

    with (
        services.http(allow_private=True, timeout=where.timeout) as http,
        errors_translated(server, translate),
    ):
        if not where.key:
            http.event_hooks = {**http.event_hooks, "request": [_without_key]}
        yield Anthropic(
            api_key=where.key or "none",  # without one the SDK would look for other credentials
            base_url=where.base_url.removesuffix("/v1"),  # the SDK adds it
            max_retries=0,
            timeout=http.timeout,
            http_client=http,
        )


def _without_key(request: httpx2.Request) -> None:
    for name in ("authorization", "x-api-key"):
        request.headers.pop(name, None)


def translate(error: Exception, server: Server) -> OpsviError | None:
    """The error for one of the SDK; None for any other."""
    import anthropic

    if isinstance(error, anthropic.APIStatusError):
        code, text = server_text(error.body, server)
        return _status_error(int(error.status_code), code, text, server, error.response.headers)
    if isinstance(error, anthropic.APITimeoutError):
        return server.timed_out(error.__cause__ or "")
    if isinstance(error, anthropic.APIConnectionError):
        cause = error.__cause__ or error
        known = server.http_error(cause) if isinstance(cause, Exception) else None
        return known or server.unreachable(cause)
    return None


def error_in_stream(body: object, server: Server) -> OpsviError:
    """The error for an `error` event: the server had begun to answer with status 200."""
    code, text = server_text(body, server)
    if code in _STATUS:
        return _status_error(_STATUS[code], code, text, server, {})
    return server.broke_off(text or code or "without a reason")


def server_text(body: object, server: Server) -> tuple[str, str]:
    """(code, message) that the server's JSON gives; empty where there is none."""
    if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
        body = body["error"]
    if not isinstance(body, Mapping):
        return "", server.clean(body) if isinstance(body, str) and "<" not in body else ""
    return str(body.get("type") or ""), server.clean(body.get("message") or "")


def _status_error(status: int, code: str, text: str, server: Server, headers: Mapping[str, str] | Any) -> OpsviError:
    if status == 413 or code == "request_too_large":
        code = "context_length_exceeded"  # too many bytes: to the user the same as too many tokens
    return server.status_error(status, text, code=code, headers=headers)
