"""The last lines of a terminal, rewritten as they change; everything above them is final."""

from __future__ import annotations

import os
import re
import shutil
from typing import TextIO

from opsvi_cli.context import AppContext

_ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def can_redraw(app: AppContext) -> bool:
    """True for a terminal whose cursor can be moved."""
    return app.is_terminal(app.out) and app.env.get("TERM", "") not in ("", "dumb", "unknown")


def terminal_size(out: TextIO) -> tuple[int, int]:
    """Columns and rows of the terminal now; those of a classic one when it does not say."""
    try:
        columns, rows = os.get_terminal_size(out.fileno())
    except (OSError, ValueError):
        columns, rows = shutil.get_terminal_size((80, 24))
    return columns or 80, rows or 24


def visible(line: str) -> str:
    """A line without its colours."""
    return _ESCAPE.sub("", line)


def _cells(line: str) -> int:
    from rich.cells import cell_len

    return cell_len(visible(line))


class LiveLines:
    """Draws lines over the ones it drew before, from the first that differs: no flicker, no lost scroll-back.

    Only as many as the window holds are drawn; `commit` writes all of them, for good.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._drawn: list[str] = []
        self._cut = False
        self._columns = 0

    @property
    def drawn(self) -> bool:
        return bool(self._drawn)

    def show(self, lines: list[str]) -> None:
        """Draw lines that may change again. The cursor stays behind the last."""
        most = max(1, terminal_size(self._out)[1] - 1)
        self._draw(lines[-most:], end="", cut=len(lines) > most)

    def commit(self, lines: list[str]) -> None:
        """Write lines that stay. The cursor goes below them."""
        self._draw(lines, end="\n" if lines else "", cut=False)
        self._drawn = []

    def _draw(self, lines: list[str], *, end: str, cut: bool) -> None:
        columns, _ = terminal_size(self._out)
        before = self._drawn
        same = 0
        if columns == self._columns and not cut and not self._cut:
            while same < min(len(before), len(lines)) and before[same] == lines[same]:
                same += 1
            if same == len(lines) < len(before):
                same = max(0, same - 1)  # lines below went: the last one that stays is written again
        if same == len(before):
            text = ("\n" if before and lines[same:] else "") + "\n".join(lines[same:])
        else:
            # A terminal that got narrower has wrapped the lines anew.
            narrower = columns < self._columns
            up = sum(-(-max(1, _cells(line)) // columns) if narrower else 1 for line in before[same:]) - 1
            # Not erased from the first cell of the screen: some terminals keep what stood there as history then.
            top = f"\x1b[{up}A\x1b[B\x1b[J\x1b[A" if up else ""
            text = f"\r{top}\x1b[K" + "\n".join(lines[same:])
        self._drawn, self._cut, self._columns = list(lines), cut, columns
        if text + end:
            self._out.write(text + end)
            self._out.flush()
