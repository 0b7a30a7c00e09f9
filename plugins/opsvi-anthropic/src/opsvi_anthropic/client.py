"""Anthropic's SDK as opsvi uses it: guarded HTTP client, no retries of its own, its errors as errors of opsvi.

The SDK is imported when a client is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from opsvi_cli.sdk import Connection, OpsviError, Server, Services, connection, errors_translated

if TYPE_CHECKING:
    import httpx2
    from anthropic import Anthropic

_HOSTS = ("api.anthropic.com",)
"""What the vendor's key is for; another server gets the one of the setting `api_key`."""
DEFAULT_URL = "https://api.anthropic.com"


def anthropic_connection(services: Services) -> Connection:
    """Read base_url, api_key, timeout of the part. Raises UsageError, CredentialsError."""
    return connection(services, DEFAULT_URL, variables=("ANTHROPIC_API_KEY",), hosts=_HOSTS)


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
        code, text = server.said(error.body)
        return server.status_error(int(error.status_code), text, code=code, headers=error.response.headers)
    if isinstance(error, anthropic.APITimeoutError):
        return server.timed_out(error.__cause__ or "")
    if isinstance(error, anthropic.APIConnectionError):
        cause = error.__cause__ or error
        known = server.http_error(cause) if isinstance(cause, Exception) else None
        return known or server.unreachable(cause)
    return None
