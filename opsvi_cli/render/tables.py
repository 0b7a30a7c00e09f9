"""Tables for people, by rich; imported only when one is drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from opsvi_cli.context import AppContext

_SHORT = 20
"""Cells up to this length stay in one line where the others leave room for it."""
_GAP = 3
_NUMBER = re.compile(r"[~<]?\$?[\d,.]+")


def print_table(app: AppContext, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Draw a table without frames; long cells wrap, nothing is cut, numbers stand below each other."""
    color = app.use_color
    console = Console(file=app.out, force_terminal=color or None, no_color=not color, highlight=False, soft_wrap=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold cyan" if color else "")
    names = [name.replace("_", " ") for name in columns]
    widths = [max(cell_len(cell) for cell in (name, *(line[n] for line in cells))) for n, name in enumerate(names)]
    room = sum(min(width, _SHORT) for width in widths) + _GAP * len(widths) <= console.width
    for n, name in enumerate(names):
        number = all(_NUMBER.fullmatch(line[n]) for line in cells if line[n])
        table.add_column(
            name,
            overflow="fold",
            no_wrap=room and widths[n] <= _SHORT,
            justify="right" if number and any(line[n] for line in cells) else "left",
        )
    for line in cells:
        table.add_row(*(Text(cell) for cell in line))
    console.print(table)
