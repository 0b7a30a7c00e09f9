"""The innermost boundary: whatever a provider raises leaves here as an error of opsvi that names whom it is about.

A provider is somebody's plugin. It may raise errors of its SDK, of an HTTP client or of its own mistakes: retries,
fallbacks and users see one of the kinds of `ProviderError`, or CredentialsError, with provider, model and URL.
"""

from __future__ import annotations

import re
from dataclasses import astuple, replace
from typing import TypeGuard
from urllib.parse import urlsplit

from opsvi_cli.errors import CredentialsError, NetworkError, OpsviError, ProviderError
from opsvi_cli.sdk import Finish, ReasoningDelta, Server, TextDelta, ToolCall, Usage

from .layers import Call, Events

_REASONS = ("stop", "length", "filter", "refusal", "tool_calls")
_LISTED = "--debug shows where; `opsvi plugins list` says whose provider it is"
_HINTS = {
    "auth": "`opsvi secrets set {name}` stores another key",
    "context": "send less, or use a model that reads more",
    "not-found": "`opsvi models {name}` lists the models",
    "network": "is the server running, and the address right?",
    "quota": "see the account's billing, or use another model",
    "refused": "word it differently, or ask another model",
    "bad-response": "is base_url the address of this API? `opsvi models {name}` asks it for its models",
}
_OTHERWISE = "try again later, or ask another model"


class TooSlowError(ProviderError):
    """The time for one answer is over, retries included; another model may be asked."""

    def __init__(self, server: Server, seconds: float) -> None:
        super().__init__(
            f"{server.label}: no complete answer within {seconds:g} s (resilience.total_timeout)",
            kind="timeout",
            hint="allow more with resilience.total_timeout",
        )

    @property
    def retryable(self) -> bool:
        return False


def ask_provider(call: Call) -> Events:
    """The provider's own events. Closing this iterator closes the provider's, which cancels the request."""
    events = None
    try:
        events = call.provider.stream(call.request)
        for event in events:
            call.remaining()
            if isinstance(event, (TextDelta, ReasoningDelta)) and isinstance(event.text, str):
                if event.text:
                    call.progress.started = True
                yield event
            elif isinstance(event, Finish):
                yield _well_formed(event, call.server)
                return
            else:
                raise _bad(call.server, f"the provider gave {type(event).__name__}, which is no event of an answer")
    except (Exception, SystemExit) as error:
        raised = as_opsvi_error(error, call.server)
        if raised is error:
            raise
        raise raised from error
    finally:
        _close(call, events)


def _well_formed(finish: Finish, server: Server) -> Finish:
    """The end as everyone may read it: a known reason, calls of tools in words, counts of tokens or none."""
    if finish.reason not in _REASONS:
        raise _bad(server, f"the answer ends for a reason that nobody knows: {server.clean(finish.reason)}")
    calls = finish.tool_calls
    if not isinstance(calls, (tuple, list)) or not all(
        isinstance(tool, ToolCall) and isinstance(tool.name, str) and isinstance(tool.arguments, str) for tool in calls
    ):
        raise _bad(server, "the model's calls of tools cannot be read")
    usage = finish.usage if isinstance(finish.usage, Usage) else Usage()
    if not all(count is None or (type(count) is int and count >= 0) for count in astuple(usage)):
        usage = Usage()
    return replace(finish, tool_calls=tuple(map(_writable, calls)), usage=usage)


def _writable(tool: ToolCall) -> ToolCall:
    """A call whose words can be written anywhere: the log, the record of calls, the next request."""
    words = (tool.id if isinstance(tool.id, str) else "", tool.name, tool.arguments)
    return ToolCall(*(word.encode("utf-8", "replace").decode("utf-8") for word in words))


def _bad(server: Server, what: str) -> ProviderError:
    return ProviderError(f"{server.label}: {what}", kind="bad-response", hint=_LISTED)


def _close(call: Call, events: object) -> None:
    """A provider that fails while it is closed does not hide how the answer ended."""
    close = getattr(events, "close", None)
    if close is None:
        return
    try:
        close()
    except Exception as error:  # noqa: BLE001  # somebody's plugin
        call.app.log.debug("%s: closing the request failed: %s: %s", call.choice.name, type(error).__name__, error)


def as_opsvi_error(error: Exception | SystemExit, server: Server) -> OpsviError:
    """The error to raise for `error`; opsvi's own ones are the same object, completed.

    One that an SDK wrapped into its own is taken out again: the end of the run's time, a refused redirect.
    """
    error = _wrapped(error) or error
    if isinstance(error, (ProviderError, CredentialsError)):
        return completed(error, server)
    if isinstance(error, NetworkError):
        return completed(server.stopped(error), server)
    if isinstance(error, OpsviError):
        return error
    return completed(_translated(error, server), server)


def _wrapped(error: BaseException) -> OpsviError | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OpsviError):
        cause = cause.__cause__
    return cause


def completed(error: OpsviError, server: Server) -> OpsviError:
    """With the name of the model in the message, a hint, and provider, model and URL in the details."""
    kind = error.kind if isinstance(error, ProviderError) else "auth" if isinstance(error, CredentialsError) else ""
    host = urlsplit(server.url).hostname or ""
    if server.name not in re.split(r"[^\w-]", error.message) or host not in error.message:
        reword(error, f"{server.label}: {error.message}")
    if not error.hint:
        error.hint = _HINTS.get(kind, _OTHERWISE).format(name=server.name)
    known = {"kind": kind, "provider": server.name, "model": server.model or None, "url": server.url or None}
    error.details = {**known, **{name: value for name, value in error.details.items() if value is not None}}
    return error


def reword(error: OpsviError, message: str) -> None:
    """Give an error another message, also for `str(error)`."""
    error.message = message
    error.args = (message,)


def _translated(error: Exception | SystemExit, server: Server) -> OpsviError:
    """What a provider raised that knows no errors of opsvi: told by HTTP status and by the kind of exception."""
    text = server.clean(error)
    response = getattr(error, "response", None)
    found = [getattr(error, name, None) for name in ("status_code", "code", "status")]
    status = next((s for s in (*found, getattr(response, "status_code", None)) if _is_status(s)), None)
    if status is not None:
        return server.status_error(status, text, headers=getattr(response, "headers", None))
    if isinstance(error, Exception) and (known := server.http_error(error)) is not None:
        return known
    if isinstance(error, TimeoutError):
        return server.timed_out()
    if isinstance(error, OSError):
        return server.unreachable(error)
    return _bad(server, f"the provider failed with {type(error).__name__}: {text[:200]}")


def _is_status(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 300 <= value <= 599
