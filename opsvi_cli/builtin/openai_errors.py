"""What the openai SDK raises, as errors of opsvi."""

from __future__ import annotations

from opsvi_cli.sdk import OpsviError, Server


def translate(error: Exception, server: Server) -> OpsviError | None:
    """The error for one of the SDK; None for any other."""
    import openai

    if isinstance(error, openai.APIStatusError):
        code, text = server.said(error.body)
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
        code, text = server.said(error.body)
        return server.broke_off(text or str(error), code)
    return None
