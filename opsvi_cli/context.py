"""What a run has at hand: streams, options, settings, services, plugins, clock. All built on first use."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from .errors import DeadlineError, OpsviError, PluginError, UsageError
from .global_options import GlobalOptions

if TYPE_CHECKING:
    import logging

    from .foundation.paths import Paths
    from .foundation.redact import Redactor
    from .foundation.services import Foundation, PartServices
    from .foundation.settings import Settings
    from .plugin_host.host import Plugins
    from .sdk import CommandContext, Kind

part_of_run: ContextVar[Callable[[], float | None]] = ContextVar("part_of_run", default=lambda: None)
"""Seconds that are left for what this thread does, where that has an end of its own; raises at it."""


MOST_PIPED_TEXT = 100_000_000


@dataclass
class AppContext:
    """One run of opsvi. Tests build it with StringIO streams and a mapping as environment."""

    out: TextIO = field(default_factory=lambda: sys.stdout)
    err: TextIO = field(default_factory=lambda: sys.stderr)
    stdin: TextIO | None = field(default_factory=lambda: sys.stdin)
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    options: GlobalOptions = field(default_factory=GlobalOptions)
    command: str = ""
    """The command that runs, e.g. `query`."""
    cwd: str = field(default_factory=os.getcwd)
    started: float = field(default_factory=time.monotonic)
    run: str = field(default_factory=lambda: os.urandom(8).hex())
    """Names this run in the records of usage and calls."""

    @cached_property
    def paths(self) -> Paths:
        from .foundation.paths import find_paths

        return find_paths(self.env)

    @cached_property
    def settings(self) -> Settings:
        from .foundation.settings import load_settings

        options = self.options
        return load_settings(
            self.paths, self.env, cwd=self.cwd, file=options.config, profile=options.profile, warn=self.warn
        )

    def set_flag(self, name: str, value: object) -> None:
        """Lay a command's flag over a setting, for this run: `set_flag("resilience.retries", 0)`; None leaves it.

        Call it before anything else is used. Raises UsageError for a value that the setting does not take.
        """
        if value is not None:
            from .foundation.settings import with_flag

            self.settings = with_flag(self.settings, name, value)

    def warn(self, text: str) -> None:
        """A line on stderr that -q silences; redacted."""
        if not self.options.quiet:
            self.err.write(self.redactor.redact(f"opsvi: {text}\n"))

    @cached_property
    def redactor(self) -> Redactor:
        from .foundation.redact import Redactor

        return Redactor(self.env)

    @cached_property
    def log(self) -> logging.Logger:
        from .foundation.log import open_log

        return open_log(self.err, self.settings.log, self.redactor, self.options)

    @cached_property
    def foundation(self) -> Foundation:
        """Secrets, HTTP, cache, events, usage, resilience: what parts are handed pieces of."""
        from .foundation.services import Foundation

        return Foundation(
            self.settings,
            self.paths,
            self.env,
            self.redactor,
            self.log,
            self.remaining,
            find_secret_store=self._secret_store,
            on_event=lambda event: self.plugins.event(event),
            build=lambda kind, name, services: self.part(kind, name, services=services),
        )

    def _secret_store(self, scheme: str) -> Any:
        """The part of a plugin that resolves `SCHEME:...`; None when there is none."""
        found = self.plugins.registry.find("secret_store", scheme)
        return self.part("secret_store", scheme) if found else None

    @cached_property
    def plugins(self) -> Plugins:
        from .plugin_host.host import load_plugins

        return load_plugins(self)

    def part(
        self, kind: Kind, name: str, options: Mapping[str, Any] | None = None, services: PartServices | None = None
    ) -> Any:
        """Build the part registered as `name`, with its section of the settings and `options` over it, or `services`.

        Raises UsageError for a name that nobody registered, PluginError when its plugin is broken.
        """
        target = self.plugins.load(kind, name)
        try:
            return target(services or self.foundation.for_part(kind, name, options or {}))
        except OpsviError:
            raise
        except Exception as error:
            text = f"{type(error).__name__}: {error}".splitlines()[0]
            raise PluginError(f"{kind} {name!r} cannot be set up: {text}", hint="opsvi plugins list") from error

    def close(self) -> None:
        """End what runs beside this process."""
        if "plugins" in self.__dict__:
            self.plugins.close()

    def remaining(self) -> float | None:
        """Seconds until `--timeout` ends the run, or `part_of_run` this thread's work, if that is sooner.

        Raises DeadlineError, or what `part_of_run` raises, at the end.
        """
        part = part_of_run.get()()
        if self.options.timeout is None:
            return part
        left = self.started + self.options.timeout - time.monotonic()
        if left <= 0:
            raise DeadlineError(f"gave up after {self.options.timeout:g} s", hint="allow more with --timeout")
        return left if part is None else min(left, part)

    def now(self) -> str:
        """ISO-8601 in UTC, to the millisecond."""
        return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def is_terminal(self, stream: TextIO | None) -> bool:
        return stream is not None and not stream.closed and stream.isatty()

    @property
    def use_color(self) -> bool:
        """--color wins; then NO_COLOR, FORCE_COLOR, TERM=dumb; then whether stdout is a terminal."""
        if self.options.color != "auto":
            return self.options.color == "always"
        if self.env.get("NO_COLOR") or self.env.get("TERM") == "dumb":
            return False
        return bool(self.env.get("FORCE_COLOR")) or self.is_terminal(self.out)

    @property
    def may_ask(self) -> bool:
        """True when a person is there to answer."""
        return not self.options.no_input and self.is_terminal(self.stdin) and self.is_terminal(self.err)

    def read_stdin(self) -> str | None:
        """All of a piped stdin as text; None when stdin is a terminal, closed or empty of data."""
        if self.stdin is None or self.stdin.closed or self.stdin.isatty():
            return None
        return self.read_stdin_text()

    def read_stdin_text(self) -> str:
        """All of stdin as text. Raises UsageError when a person would have to type it, and for binary data.

        A stray byte of another encoding, as a diff may hold, stops nothing: it is replaced, and said.
        """
        data = self.read_stdin_bytes(MOST_PIPED_TEXT + 1)
        if b"\0" in data:
            raise UsageError(
                "stdin is binary data, not text",
                hint="`opsvi extract -` gives the text of a document, `opsvi prompt -a -` sends an image as it is",
            )
        if len(data) > MOST_PIPED_TEXT:
            raise UsageError(f"stdin: larger than {MOST_PIPED_TEXT} bytes", hint="pipe a part of it in")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            self.warn("stdin is not all UTF-8: what is not, is replaced by \N{REPLACEMENT CHARACTER}")
            return data.decode("utf-8", errors="replace")

    def read_stdin_bytes(self, limit: int = -1) -> bytes:
        """All of stdin, or its first `limit` bytes. Raises UsageError when a person would have to type it."""
        if self.stdin is None or self.stdin.closed:
            return b""
        if self.stdin.isatty():
            raise UsageError(
                "nothing to read: stdin is a terminal", hint="pipe the data in, e.g. `cat FILE | opsvi ...`"
            )
        buffer = getattr(self.stdin, "buffer", None)
        try:
            return (
                buffer.read(limit) if buffer is not None else self.stdin.read(limit).encode("utf-8", "surrogateescape")
            )
        except OSError:  # stdin closed by the shell (`<&-`) can leave a descriptor that is not readable
            return b""

    def error_text(self, error: OpsviError) -> str:
        """A failure as stderr shows it: one line and a hint, or JSON under --json; always redacted."""
        if self.options.machine:
            import json

            body = {"code": error.code, "message": error.message, "hint": error.hint, **error.details}
            text = json.dumps({"error": body}, ensure_ascii=False) + "\n"
        else:
            from .foundation.terminal import plain

            text = plain(f"opsvi: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        return self.redactor.redact(text)

    def confirm(self, question: str) -> None:
        """Go on only when the user agrees. Raises UsageError when nobody can be asked, or the answer is no."""
        if self.options.yes:
            return
        if not self.may_ask:
            raise UsageError(f"{question} Nobody is there to answer", hint="repeat it with --yes")
        self.err.write(f"{question} [y/N] ")
        self.err.flush()
        assert self.stdin is not None
        if self.stdin.readline().strip().lower() not in ("y", "yes"):
            raise UsageError("stopped: nothing was changed", hint="answer y, or repeat it with --yes")


if TYPE_CHECKING:
    _promise: type[CommandContext] = AppContext
