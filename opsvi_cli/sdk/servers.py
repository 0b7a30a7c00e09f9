"""What can go wrong with a model's server, in the words and kinds of opsvi: the same for every vendor.

A server's own text is quoted on one line, without control characters and without the key, which some servers echo.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from opsvi_cli.errors import CredentialsError, NetworkError, OpsviError, ProviderError

from .retry_after import retry_after

_LONGEST_QUOTE = 300
_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # colours and the like, with their numbers
_TOO_LONG = (
    "context_length_exceeded",
    "context length",
    "context size",
    "context window",
    "maximum context",
    "too many tokens",
    "prompt is too long",
    "input token count",
    "exceeds the maximum number of tokens",
    "too large to process",  # llama.cpp, with status 500
)
_FILTERED = ("content_filter", "content_policy_violation", "responsibleaipolicyviolation")
_STATUS = {
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "billing_error": 402,
    "insufficient_quota": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
}
"""What an error that comes as an answer would have been as an HTTP status; others are the server's own fault."""
_USED_UP = ("insufficient_quota", "billing", "credit balance", "exceeded your current quota")


@dataclass(frozen=True)
class Server:
    """Who was asked for what, for messages. `section`: where the part's settings are.

    `key` is taken out of texts; empty when the server was asked without one, None when that is not known here.
    `key_from`: the reference that gave it.
    """

    name: str
    model: str
    url: str
    key: str | None = None
    section: str = "providers"
    key_from: str = ""

    @property
    def label(self) -> str:
        name = f"{self.name}/{self.model}" if self.model else self.name
        return f"{name} at {self.url}" if self.url else name

    def clean(self, text: object) -> str:
        """One printable line without the key, at most 300 characters."""
        line = str(text)
        if self.key:
            line = line.replace(self.key, "[redacted]")
        line = _SEQUENCE.sub(" ", line)
        line = " ".join("".join(c if c.isprintable() else " " for c in line).split())
        return line if len(line) <= _LONGEST_QUOTE else line[: _LONGEST_QUOTE - 3] + "..."

    def bad_response(self, what: str, *, content_type: str = "", hint: str = "") -> ProviderError:
        """The server answered with something that is no answer of a model."""
        kind = f" (content type {self.clean(content_type)})" if content_type else ""
        return ProviderError(
            f"{self.label}: {self.clean(what)}{kind}",
            kind="bad-response",
            hint=hint or "is base_url the address of this API? `opsvi models` asks it for its models",
        )

    def timed_out(self, cause: object = "") -> ProviderError:
        """`cause` is what the HTTP client raised: opsvi's own client says which time ran out, and its setting."""
        said = self.clean(cause)
        ours = re.search(r"\((http\.\w+)\)", said)
        own = f"{self.section}.{self.name}.timeout"
        setting = f"{ours[1]} or {own}" if ours else own
        known = said.startswith(("no connection within", "no answer within", "the answer stopped"))
        return ProviderError(
            f"{self.label}: {said if known else 'no answer in time'}",
            kind="timeout",
            hint=f"allow more with {setting}, or try again later",
        )

    def unreachable(self, cause: BaseException) -> ProviderError:
        """No connection, or one that broke. `cause` is what the HTTP client raised."""
        reason, name = self.clean(cause), type(cause).__name__
        what = f"cannot connect: {reason}" if name == "ConnectError" else f"the connection broke: {reason or name}"
        return ProviderError(
            f"{self.label}: {what}", kind="network", hint="is the server running, and the address right?"
        )

    def said(self, body: object) -> tuple[str, str]:
        """(code, message) that the JSON of an error gives; empty where there is none, or a page of HTML."""
        if isinstance(body, Mapping) and isinstance(body.get("error"), Mapping):
            body = body["error"]
        if not isinstance(body, Mapping):
            return "", self.clean(body) if isinstance(body, str) and "<" not in body else ""
        text = body.get("message") or body.get("detail") or body.get("error") or ""
        return str(body.get("code") or body.get("type") or ""), self.clean(text)

    def cut_off(self) -> ProviderError:
        """The answer just ends."""
        return ProviderError(
            f"{self.label}: the answer ends in the middle", kind="network", hint="try again; the text is incomplete"
        )

    def broke_off(self, text: str, code: str = "") -> OpsviError:
        """The server reported an error in place of an answer or in its middle, when it had said that all is well.

        `code` is its word for the error, or the HTTP status that it would have been.
        """
        status = int(code) if re.fullmatch("[45][0-9][0-9]", code) else _STATUS.get(code)
        if status is not None:
            return self.status_error(status, text, code=code)
        return ProviderError(
            f"{self.label}: the server broke off: {self.clean(text)}", kind="server", hint="try again later"
        )

    def status_error(
        self, status: int, text: str = "", *, code: str = "", headers: Mapping[str, str] | None = None
    ) -> OpsviError:
        """The error for an HTTP status of 300 and above.

        `text` is the server's message, `code` its word for the error (`insufficient_quota`); `headers` finds names in
        lower case.
        """
        text = self.clean(text)
        said = f": {text}" if text else ""
        low = f"{code} {text}".lower()
        wait = retry_after(headers or {})
        asks = f", asks to wait {_duration(wait)}" if wait else ""

        def failed(what: str, kind: str, hint: str, wait: float | None = None) -> ProviderError:
            return ProviderError(
                f"{self.label}: {what} ({status}){said}", kind=kind, hint=hint, status=status, retry_after=wait
            )

        if status in (401, 403):
            return self.unauthorized(status, text)
        if status == 402 or (status in (400, 429) and any(word in low for word in _USED_UP)):
            return failed("the account's quota is used up", "quota", "see the account's billing, or use another model")
        if status == 429:
            return failed(f"too many requests{asks}", "rate", f"try again in {_duration(wait or 60.0)}", wait)
        if status == 413 or (status in (400, 422, 500) and any(word in low for word in _TOO_LONG)):
            return failed("the text is too long for this model", "context", "send less, or use a model that reads more")
        if any(word in low for word in _FILTERED):
            return failed("the server's content filter refused the request", "refused", "word it differently")
        if status == 404:
            return failed("not found", "not-found", f"`opsvi models {self.name}` lists the models; is base_url right?")
        if status == 408:
            return failed("the server gave up waiting", "timeout", "try again later")
        if status >= 500 or status in (409, 425):
            later = f"in {_duration(wait)}" if wait else "later"
            return failed(f"the server failed{asks}", "server", f"try again {later}", wait)
        if 300 <= status < 400:
            return failed("the server redirects", "bad-response", "set base_url to the final address")
        return failed("the request was refused", "refused", "see what the server says")

    def unauthorized(self, status: int, text: str = "") -> CredentialsError:
        """The server wants another key, or one at all."""
        if self.key == "":
            what = "a key is needed"
            hint = (
                f"opsvi config set {self.section}.{self.name}.api_key env:NAME sends this server the key in NAME; "
                "the vendor's own key goes to the vendor alone"
            )
        else:
            what, hint = "the key was refused", self._other_key()
        said = f": {self.clean(text)}" if text else ""
        return CredentialsError(f"{self.label}: {what} ({status}){said}", hint=hint)

    def _other_key(self) -> str:
        """Where the key comes from, another one has to be put."""
        scheme, colon, place = self.key_from.partition(":")
        if not colon:
            return f"`opsvi secrets set {self.key_from or self.name}` stores another one"
        return (
            f"it is the one of {f'the variable {place}' if scheme == 'env' else self.key_from}: put another one there"
        )

    def stopped(self, error: NetworkError) -> ProviderError:
        """What opsvi's own HTTP client did not take: a redirect to another server, too many bytes."""
        label = self.label.removesuffix(f" at {self.url}") if self.url in error.message else self.label
        return ProviderError(f"{label}: {error.message}", kind="bad-response", hint=error.hint)

    def http_error(self, error: Exception) -> OpsviError | None:
        """The error for what an HTTP client (httpx2, httpx) raised, found by the class names they share.

        An opsvi error is given back as it is; None: it is nothing of an HTTP client's.
        """
        if isinstance(error, NetworkError):
            return self.stopped(error)
        if isinstance(error, OpsviError):
            return error
        names = {cls.__name__ for cls in type(error).__mro__}
        if "TimeoutException" in names:
            return self.timed_out(error)
        if "DecodingError" in names:
            return self.bad_response(f"the answer cannot be read: {error}")
        if "TooManyRedirects" in names:
            return self.bad_response("the server redirects too often", hint="set base_url to the final address")
        if names & {"TransportError", "HTTPError"}:
            return self.unreachable(error)
        return None


@contextlib.contextmanager
def errors_translated(server: Server, translate: Callable[[Exception, Server], OpsviError | None]) -> Iterator[None]:
    """Whatever a client library, HTTP or a strange answer raises inside becomes an error of opsvi.

    `translate` gives the error for one of the vendor's library, None for any other. Errors of opsvi pass as they are.
    """
    try:
        yield
    except NetworkError as error:
        raise server.stopped(error) from error
    except OpsviError:
        raise
    except Exception as error:  # answers of servers can break a client library anywhere
        known = translate(error, server) or server.http_error(error)
        raise known or server.bad_response(f"the answer cannot be read ({type(error).__name__})") from error


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
