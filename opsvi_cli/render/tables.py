"""Tables for people, by rich; imported only when one is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from opsvi_cli.context import AppContext

from .output import use_color


def print_table(app: AppContext, columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Draw a table without frames; long cells wrap, nothing is cut."""
    color = use_color(app)
    console = Console(file=app.out, force_terminal=color or None, no_color=not color, highlight=False, soft_wrap=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold cyan" if color else "")
    for name in columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for line in cells:
        table.add_row(*(Text(cell) for cell in line))
    console.print(table)
