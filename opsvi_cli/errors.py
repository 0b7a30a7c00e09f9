"""Every error that opsvi raises on purpose, and the exit code each ends in.

    OpsviError                    1
    ├── UsageError                2   a flag, argument or setting is wrong
    ├── PartialError              3   some inputs failed, the others are done
    ├── CredentialsError          4   a key is missing or was refused
    ├── BudgetError               5   a spending limit was reached
    ├── UnsupportedAnswerError    6   --strict: a sentence has no support
    ├── PluginError               7   a plugin is broken and was asked for
    ├── DeadlineError           124   the time allowed ran out
    ├── NotFoundError             1   a collection, model, session ... that is not there
    ├── StoreError                1   a collection is locked, damaged or does not match
    ├── DocumentError             1   one source cannot be read
    ├── NetworkError              1   a host cannot be reached or is not allowed
    └── ProviderError             1   a model's server failed; `kind` says how

This module sits below every other one and imports the standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, ClassVar


class ExitCode(IntEnum):
    """What a shell sees when opsvi ends. `opsvi help exit-codes` prints this list."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    PARTIAL = 3
    CREDENTIALS = 4
    BUDGET = 5
    UNSUPPORTED = 6
    PLUGIN = 7
    TIMEOUT = 124
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_CODE_MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.OK: "success, also when nothing was found",
    ExitCode.FAILURE: "the command failed",
    ExitCode.USAGE: "a flag, argument or setting is wrong, or an answer is needed and no terminal is there",
    ExitCode.PARTIAL: "some inputs failed, the others are done",
    ExitCode.CREDENTIALS: "a key is missing or was refused",
    ExitCode.BUDGET: "a spending limit was reached",
    ExitCode.UNSUPPORTED: "--strict: a sentence of the answer has no support in the sources",
    ExitCode.PLUGIN: "a plugin is broken and the command needs it",
    ExitCode.TIMEOUT: "the time allowed by --timeout ran out",
    ExitCode.INTERRUPTED: "interrupted with Ctrl-C (SIGINT)",
    ExitCode.TERMINATED: "ended from outside (SIGTERM)",
}


class Terminated(BaseException):
    """SIGTERM arrived: unwinds the stack so that files and locks are closed, then exits 143."""


class OpsviError(Exception):
    """A failure that a person can act on: one line of what failed, one line that mends it.

    `code` is the stable word that scripts read in `{"error": {"code": ...}}`.
    """

    exit_code: ExitCode = ExitCode.FAILURE
    code: ClassVar[str] = "failure"

    def __init__(self, message: str, *, hint: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: Mapping[str, Any] = details or {}


class UsageError(OpsviError):
    exit_code = ExitCode.USAGE
    code = "usage"


class PartialError(OpsviError):
    exit_code = ExitCode.PARTIAL
    code = "partial"


class CredentialsError(OpsviError):
    exit_code = ExitCode.CREDENTIALS
    code = "credentials"


class BudgetError(OpsviError):
    exit_code = ExitCode.BUDGET
    code = "budget"


class UnsupportedAnswerError(OpsviError):
    exit_code = ExitCode.UNSUPPORTED
    code = "unsupported"


class PluginError(OpsviError):
    exit_code = ExitCode.PLUGIN
    code = "plugin"


class DeadlineError(OpsviError):
    exit_code = ExitCode.TIMEOUT
    code = "timeout"


class NotFoundError(OpsviError):
    code = "not-found"


class StoreError(OpsviError):
    code = "store"


class DocumentError(OpsviError):
    code = "document"


class NetworkError(OpsviError):
    code = "network"


class ProviderError(OpsviError):
    """A model's server failed. `kind` is one of `KINDS`; `retry_after` is in seconds.

        rate           too many requests; the server may ask to wait
        quota          the account has no more to spend; waiting does not help
        context        the text, or the answer, is longer than the model or the server allows
        not-found      there is no such model or address
        network        no connection, or one that broke
        timeout        a deadline ran out: to connect, for the first byte, between two pieces, for the whole answer
        server         the server says that it failed (5xx)
        bad-response   what came is no answer: another format, cut off, empty
        refused        the server, its filter or the model does not do this

    Two more are written down and shown where calls are: `auth`, the kind of CredentialsError (`details["kind"]`), and
    `cancelled`, a call that the user ended.
    """

    KINDS: ClassVar[frozenset[str]] = frozenset(
        {"rate", "quota", "context", "not-found", "network", "timeout", "server", "bad-response", "refused"}
    )
    RETRYABLE: ClassVar[frozenset[str]] = frozenset({"rate", "network", "timeout", "server"})
    code = "provider"

    def __init__(
        self, message: str, *, kind: str, hint: str = "", retry_after: float | None = None, status: int | None = None
    ) -> None:
        if kind not in self.KINDS:
            raise ValueError(f"unknown kind of provider error: {kind}")
        super().__init__(message, hint=hint, details={"kind": kind, "status": status})
        self.kind = kind
        if kind == "timeout":
            self.exit_code = ExitCode.TIMEOUT
        self.retry_after = retry_after
        self.status = status

    @property
    def retryable(self) -> bool:
        return self.kind in self.RETRYABLE
