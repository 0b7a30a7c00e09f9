"""Cohere's SDK as opsvi uses it: guarded HTTP, no retries of its own, its errors as errors of opsvi.

The SDK is imported when a client is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import Connection, OpsviError, Server, Services, connection, errors_translated

if TYPE_CHECKING:
    from cohere import ClientV2

_HOSTS = ("api.cohere.com", "api.cohere.ai")
"""What the vendor's key is for; another server gets the one of the setting `api_key`."""
DEFAULT_URL = "https://api.cohere.com"
_REFUSED_TOKEN = 498
_GAVE_UP = 499


def cohere_connection(services: Services, section: str = "providers") -> Connection:
    """Read base_url, api_key, timeout of the part. Raises UsageError, CredentialsError."""
    return connection(services, DEFAULT_URL, variables=("CO_API_KEY", "COHERE_API_KEY"), hosts=_HOSTS, section=section)


@contextlib.contextmanager
def open_client(services: Services, where: Connection, server: Server) -> Iterator[ClientV2]:
    """A client whose connections are closed at the end, which also cancels a request under way.

    Whatever is raised inside becomes ProviderError or CredentialsError.
    """
    from cohere import ClientV2

    from .transport import guarded

    with (
        services.http(allow_private=True, timeout=where.timeout) as http,
        guarded(http, with_key=bool(where.key)) as client,
        errors_translated(server, translate),
    ):
        yield ClientV2(
            api_key=where.key or "none",  # the SDK insists on one, or takes that of the environment
            base_url=where.base_url.removesuffix("/v1").removesuffix("/v2"),  # the SDK adds it
            max_retries=0,
            httpx_client=client,
            log_warning_experimental_features=False,
        )


def translate(error: Exception, server: Server) -> OpsviError | None:
    """The error for one of the SDK; None for any other."""
    from cohere.core.api_error import ApiError
    from cohere.core.http_sse import SSEError

    if isinstance(error, ApiError):
        headers = {name.lower(): value for name, value in (error.headers or {}).items()}
        status = error.status_code or 0
        if status < 300:
            kind = headers.get("content-type") or "none"
            return server.bad_response("the answer is no answer of a model", content_type=kind)
        return _status_error(status, server.said(error.body)[1], headers, server)
    if isinstance(error, SSEError):
        return server.bad_response(f"the answer cannot be read: {error}")
    return None


def _status_error(status: int, text: str, headers: Mapping[str, str], server: Server) -> OpsviError:
    code = ""
    if status == 429 and "/ month" in text:
        code = "insufficient_quota"  # a trial key: waiting some seconds does not help
    status = {_REFUSED_TOKEN: 401, _GAVE_UP: 408}.get(status, status)
    return server.status_error(status, text, code=code, headers=headers)


def document(answer: Any, server: Server) -> dict[str, Any]:
    """The JSON object of an answer. Raises ProviderError for anything else."""
    response = answer.response
    content_type = response.headers.get("content-type", "")
    if "json" not in content_type:
        raise server.bad_response("the answer is no answer of a model", content_type=content_type or "none")
    response.read()
    body = response.json()
    if not isinstance(body, dict):
        raise server.bad_response("the answer has another shape", content_type=content_type)
    return body
