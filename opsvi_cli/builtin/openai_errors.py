"""What the openai SDK raises, as errors of opsvi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsvi_cli.sdk import OpsviError, Server


def translate(error: Exception, server: Server) -> OpsviError | None:
    """The error for one of the SDK; None for any other."""
    import openai

    if isinstance(error, openai.APIStatusError):
        code, text = _server_text(error, server)
        return server.status_error(int(error.status_code), text, code=code, headers=error.response.headers)
    if isinstance(error, openai.APITimeoutError):
        return server.timed_out(error.__cause__ or error)
    if isinstance(error, openai.APIResponseValidationError):
        return server.bad_response(f"the answer cannot be read: {error}")
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__ or error
        known = server.http_error(cause) if isinstance(cause, Exception) else None
        return known or server.unreachable(cause)
    if isinstance(error, openai.APIError):
        return server.broke_off(_server_text(error, server)[1] or str(error))
    return None


def _server_text(error: Any, server: Server) -> tuple[str, str]:
    """(code, message) that the server's JSON gives; empty where there is none."""
    body = error.body
    if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
        body = body["error"]
    if not isinstance(body, Mapping):
        return "", server.clean(body) if isinstance(body, str) and "<" not in body else ""
    code = body.get("code") or body.get("type") or ""
    return str(code), server.clean(body.get("message") or body.get("detail") or "")
