"""Asking a person about one call of a tool. Only somebody at a terminal can say yes; `--yes` is nobody."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from opsvi_cli.sdk import JSON

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

REFUSED = "the user said no"


class Consent:
    """Asks, and remembers for this run which tools are always allowed."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._always: set[str] = set()

    def ask(
        self, name: str, arguments: Mapping[str, JSON], reason: str, *, each_time: bool
    ) -> tuple[Literal["allow", "deny"], str]:
        """(verdict, by whom). `each_time`: an "always" neither holds nor is offered."""
        app = self._app
        if name in self._always and not each_time:
            return "allow", "user, for this run"
        if not app.may_ask:
            return "deny", "nobody is there to ask"
        assert app.stdin is not None
        self._forget_what_was_typed()
        shown = visible(json.dumps(arguments, ensure_ascii=False, indent=2))
        choices = "[y]es, [N]o" if each_time else "[y]es, [a]lways in this run, [N]o"
        app.err.write(f"\nThe model wants to call {visible(name)} ({visible(reason)}):\n{shown}\n")
        app.err.write(f"Call {visible(name)}? {choices}: ")
        app.err.flush()
        line = app.stdin.readline()
        if not line:  # Ctrl-D leaves the cursor where it is
            app.err.write("\n")
        answer = line.strip().lower()
        if answer in ("a", "always") and not each_time:
            self._always.add(name)
            return "allow", "user, for this run"
        return ("allow", "user") if answer in ("y", "yes") else ("deny", REFUSED)

    def _forget_what_was_typed(self) -> None:
        """A line that was pasted or typed before the question is no answer to it."""
        with contextlib.suppress(ImportError, OSError, ValueError, AttributeError):
            import termios

            assert self._app.stdin is not None
            with contextlib.suppress(termios.error):
                termios.tcflush(self._app.stdin.fileno(), termios.TCIFLUSH)


def visible(text: str) -> str:
    """Every character that cannot be seen, or that changes how others are seen, as its number."""
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
