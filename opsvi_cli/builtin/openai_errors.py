"""What can go wrong with an OpenAI-compatible server, in the words and kinds of opsvi.

A server's own text is quoted on one line, without control characters and without the key, which some servers echo.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsvi_cli.sdk import CredentialsError, OpsviError, ProviderError, retry_after

_LONGEST_QUOTE = 300
_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # colours and the like, with their numbers
_TOO_LONG = ("context_length_exceeded", "context length", "context size", "maximum context", "too many tokens")
_FILTERED = ("content_filter", "content_policy_violation", "responsibleaipolicyviolation")


@dataclass(frozen=True)
class Server:
    """Who was asked for what, for messages. `key` is only used to take it out of texts."""

    name: str
    model: str
    url: str
    key: str = ""

    @property
    def label(self) -> str:
        return f"{self.name}/{self.model} at {self.url}" if self.model else f"{self.name} at {self.url}"

    def clean(self, text: object) -> str:
        """One printable line without the key, at most 300 characters."""
        line = str(text)
        if self.key:
            line = line.replace(self.key, "[redacted]")
        line = _SEQUENCE.sub(" ", line)
        line = " ".join("".join(c if c.isprintable() else " " for c in line).split())
        return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 3] + "..."


def bad_response(server: Server, what: str, *, content_type: str = "") -> ProviderError:
    """The server answered with something that is no answer of a model."""
    kind = f" (content type {server.clean(content_type)})" if content_type else ""
    return ProviderError(
        f"{server.label}: {server.clean(what)}{kind}",
        kind="bad-response",
        hint="is base_url the address of an OpenAI-compatible API? It mostly ends in /v1",
    )


def translate(error: Exception, server: Server) -> Exception:
    """The error to raise instead of `error`; `error` itself when it is opsvi's own."""
    import httpx2
    import openai

    if isinstance(error, OpsviError):
        return error
    if isinstance(error, openai.APIStatusError):
        return _status(error, server)
    if isinstance(error, (openai.APITimeoutError, httpx2.TimeoutException)):
        return ProviderError(
            f"{server.label}: no answer in time",
            kind="timeout",
            hint=f"allow more with providers.{server.name}.timeout, or try again later",
        )
    if isinstance(error, (httpx2.DecodingError, openai.APIResponseValidationError)):
        return bad_response(server, f"the answer cannot be read: {error}")
    if isinstance(error, (openai.APIConnectionError, httpx2.HTTPError)):
        cause = error.__cause__ or error
        if isinstance(cause, httpx2.DecodingError):
            return bad_response(server, f"the answer cannot be read: {cause}")
        return ProviderError(
            f"{server.label}: {_connection(cause, server)}",
            kind="network",
            hint="is the server running, and the address right?",
        )
    if isinstance(error, openai.APIError):
        return _error_event(error, server)
    return bad_response(server, f"the answer cannot be read ({type(error).__name__})")


def _connection(cause: BaseException, server: Server) -> str:
    reason = server.clean(cause)
    name = type(cause).__name__
    if name == "ConnectError":
        return f"cannot connect: {reason}"
    return f"the connection broke: {reason or name}"


def _server_text(error: Any, server: Server) -> tuple[str, str]:
    """(code, message) that the server's JSON gives; empty where there is none."""
    body = error.body
    if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
        body = body["error"]
    if not isinstance(body, Mapping):
        return "", server.clean(body) if isinstance(body, str) and "<" not in body else ""
    code = body.get("code") or body.get("type") or ""
    return str(code), server.clean(body.get("message") or body.get("detail") or "")


def _error_event(error: Any, server: Server) -> ProviderError:
    """An error in the middle of a stream."""
    _, text = _server_text(error, server)
    return ProviderError(
        f"{server.label}: the server broke off: {text or server.clean(error)}", kind="server", hint="try again later"
    )


def _status(error: Any, server: Server) -> OpsviError:
    status = int(error.status_code)
    code, text = _server_text(error, server)
    said = f": {text}" if text else ""
    low = f"{code} {text}".lower()

    def failed(what: str, kind: str, hint: str, wait: float | None = None) -> ProviderError:
        return ProviderError(
            f"{server.label}: {what} ({status}){said}", kind=kind, hint=hint, status=status, retry_after=wait
        )

    if status in (401, 403):
        return CredentialsError(
            f"{server.label}: the key was refused ({status}){said}",
            hint=f"`opsvi secrets set {server.name}` stores another one",
        )
    if status == 429 and ("insufficient_quota" in low or "billing" in low):
        return failed("the account's quota is used up", "quota", "see the account's billing, or use another model")
    if status == 429:
        wait = retry_after(error.response.headers)
        asks = f", asks to wait {_duration(wait)}" if wait else ""
        return failed(f"too many requests{asks}", "rate", f"try again in {_duration(wait or 60.0)}", wait)
    if status in (400, 413, 422) and any(word in low for word in _TOO_LONG):
        return failed("the text is too long for this model", "context", "send less, or use a model that reads more")
    if any(word in low for word in _FILTERED):
        return failed("the server's content filter refused the request", "refused", "word it differently")
    if status == 404:
        return failed("not found", "not-found", "`opsvi models` lists the models; base_url mostly ends in /v1")
    if status == 408:
        return failed("the server gave up waiting", "timeout", "try again later")
    if status >= 500 or status in (409, 425):
        return failed("the server failed", "server", "try again later", retry_after(error.response.headers))
    if 300 <= status < 400:
        return failed("the server redirects", "bad-response", "set base_url to the final address")
    return failed("the request was refused", "refused", "see what the server says")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
