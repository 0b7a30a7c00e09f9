"""Keys pressed while an answer comes are not echoed into it; they wait for the next prompt."""

from __future__ import annotations

import contextlib
from typing import Any, TextIO


class QuietKeys:
    """Turns the echo of a terminal off and on again; does nothing where there is none."""

    def __init__(self, stdin: TextIO | None) -> None:
        self._stdin = stdin
        self._before: list[Any] | None = None

    def hold(self) -> None:
        """Turn the echo off."""
        if self._before is not None or self._stdin is None or self._stdin.closed or not self._stdin.isatty():
            return
        with contextlib.suppress(ImportError, OSError, ValueError):
            import termios

            before = termios.tcgetattr(self._stdin.fileno())
            quiet = list(before)
            quiet[3] &= ~termios.ECHO
            termios.tcsetattr(self._stdin.fileno(), termios.TCSANOW, quiet)
            self._before = before

    def release(self) -> None:
        """As it was."""
        if self._before is None or self._stdin is None:
            return
        with contextlib.suppress(ImportError, OSError, ValueError):
            import termios

            termios.tcsetattr(self._stdin.fileno(), termios.TCSANOW, self._before)
        self._before = None
