"""What a person would see: a small terminal for tests, enough of ECMA-48 for prompt_toolkit and rich."""

from __future__ import annotations

import io
import os
import re
import time
import unicodedata
from collections.abc import Callable
from typing import Any

_TOKEN = re.compile(
    r"\x1b\[([?>]?)([0-9;]*)([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[=>]|[\x00-\x1f]|[^\x00-\x1f]"
)
_OPEN = re.compile(r"\x1b(?:\[[?>]?[0-9;]*|\][^\x07\x1b]*)?\Z")


class Screen(io.StringIO):
    """A terminal to write to. `history` are the lines that scrolled off, `raw` is all that was written."""

    def __init__(self, columns: int = 80, rows: int = 24, answer: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self.columns, self.rows = columns, rows
        self.lines: list[list[str]] = [[]]
        self.history: list[str] = []
        self.raw = ""
        self.row = self.column = 0
        self._wraps = True
        self._held = ""
        self._answer = answer

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("no descriptor")

    @property
    def shown(self) -> list[str]:
        """The lines of the window."""
        return ["".join(line).rstrip() for line in self.lines]

    @property
    def text(self) -> str:
        """Everything that can be read, scrolled off or not."""
        return "\n".join([*self.history, *self.shown]).rstrip()

    def write(self, text: str) -> int:
        self.raw += text
        text = self._held + text
        begun = _OPEN.search(text)
        self._held = begun[0] if begun else ""
        for match in _TOKEN.finditer(text[: len(text) - len(self._held)]):
            token = match[0]
            if match[3]:
                self._control(match[1], [int(n or 0) for n in match[2].split(";")], match[3])
            elif token == "\n":  # as the terminal's driver writes it
                self.column = 0
                self._down()
            elif token == "\r":
                self.column = 0
            elif token == "\b":
                self.column = max(0, self.column - 1)
            elif token >= " ":
                self._put(token)
        return len(text)

    def _put(self, character: str) -> None:
        width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if self.column + width > self.columns:
            if not self._wraps:
                return
            self.column = 0
            self._down()
        line = self.lines[self.row]
        line.extend([" "] * (self.column + width - len(line)))
        line[self.column : self.column + width] = [character, *[""] * (width - 1)]
        self.column += width

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append([])
        if len(self.lines) > self.rows:
            self.history.append("".join(self.lines.pop(0)).rstrip())
            self.row -= 1

    def _control(self, private: str, numbers: list[int], kind: str) -> None:
        count = max(1, numbers[0])
        line = self.lines[self.row]
        match kind:
            case "A":
                self.row = max(0, self.row - count)
            case "B":
                for _ in range(count):
                    self._down() if self.row + 1 < self.rows else None
            case "C":
                self.column = min(self.columns - 1, self.column + count)
            case "D":
                self.column = max(0, min(self.column, self.columns) - count)
            case "G":
                self.column = count - 1
            case "H":
                self.row, self.column = min(count, self.rows) - 1, max(1, (*numbers, 1)[1]) - 1
                self.lines += [[] for _ in range(self.row + 1 - len(self.lines))]
            case "K":
                del line[self.column :]
            case "J":
                if numbers[0] == 2:
                    self.lines = [[] for _ in self.lines]
                else:
                    del line[self.column :], self.lines[self.row + 1 :]
            case "n" if numbers == [6] and self._answer is not None:
                self._answer(f"\x1b[{self.row + 1};{min(self.column, self.columns - 1) + 1}R")
            case "h" | "l" if private and 7 in numbers:
                self._wraps = kind == "h"


class Terminal:
    """A program on a pseudo-terminal and the screen that shows it."""

    def __init__(self, args: list[str], *, env: dict[str, str], cwd: str, columns: int = 80, rows: int = 24) -> None:
        import pexpect

        self.child: Any = pexpect.spawn(
            args[0], args[1:], env={**os.environ, **env}, cwd=cwd, encoding="utf-8", dimensions=(rows, columns)
        )
        self.screen = Screen(columns, rows, answer=self.type)

    def type(self, keys: str) -> None:
        """Send keys as they are; Enter is a carriage return."""
        self.child.send(keys)

    def wait(self, what: str | Callable[[Screen], bool], seconds: float = 60) -> None:
        """Until the text is on the screen, or the condition holds."""
        end = time.monotonic() + seconds
        while not (what in self.screen.text if isinstance(what, str) else what(self.screen)):
            if time.monotonic() > end or not self._read(0.2):
                raise AssertionError(f"waited for {what!r}; the screen:\n{self.screen.text}")

    def settled(self) -> None:
        """Until nothing came for a while."""
        while self._read_once(0.3):
            continue

    def _read(self, seconds: float) -> bool:
        """False at the end of the program."""
        return self._read_once(seconds) is not None

    def _read_once(self, seconds: float) -> bool | None:
        import pexpect

        try:
            self.screen.write(self.child.read_nonblocking(65536, seconds))
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            return None
        return True

    def resize(self, columns: int, rows: int) -> None:
        """As when a person drags the window's corner; lines that were wrapped stay as they are."""
        self.screen.columns, self.screen.rows = columns, rows
        self.child.setwinsize(rows, columns)

    def ended(self) -> int:
        """The exit code, at the end of the program."""
        while self._read(1):
            continue
        self.child.wait()
        return int(self.child.exitstatus if self.child.exitstatus is not None else -self.child.signalstatus)

    def close(self) -> None:
        self.child.close(force=True)
