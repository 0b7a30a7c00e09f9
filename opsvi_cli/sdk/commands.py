"""What a command of a plugin may use of the run it is in: `ctx.obj` of its Typer functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from .registry import Kind


class CommandOptions(Protocol):
    """The options that every command takes, already taken out of its arguments."""

    @property
    def json(self) -> tuple[str, ...] | None:
        """None without --json, else the fields to keep; empty: all."""

    @property
    def jsonl(self) -> bool: ...

    @property
    def quiet(self) -> bool:
        """True: no messages; data and errors stay."""


class CommandSettings(Protocol):
    """The settings that are of use to a command."""

    @property
    def collection(self) -> str: ...

    @property
    def store(self) -> str: ...

    @property
    def embedder(self) -> str: ...

    @property
    def model(self) -> str: ...


class CommandContext(Protocol):
    """One run of opsvi. Data goes to `out`, all else to `err`; an OpsviError becomes one line and an exit code."""

    out: TextIO
    err: TextIO
    stdin: TextIO | None
    env: Mapping[str, str]
    cwd: str

    @property
    def options(self) -> CommandOptions: ...

    @property
    def settings(self) -> CommandSettings: ...

    def part(self, kind: Kind, name: str, options: Mapping[str, Any] | None = None) -> Any:
        """Build the part of that kind and name, whoever registered it. Raises UsageError, PluginError."""

    def warn(self, text: str) -> None:
        """A line on stderr that -q silences; redacted."""

    def confirm(self, question: str) -> None:
        """Go on only when the user agrees. Raises UsageError when nobody can be asked, or the answer is no."""

    def read_stdin(self) -> str | None:
        """All of a piped stdin; None when stdin is a terminal or closed."""

    def remaining(self) -> float | None:
        """Seconds until `--timeout` ends the run; raises DeadlineError when it has."""
