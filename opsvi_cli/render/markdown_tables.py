"""Tables of an answer, with all that is in them: rich would cut words that are wider than their column, and Markdown
drops the cells that a row has beyond those of the header (a `|` in code makes one)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import markdown as rich_markdown
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from markdown_it.rules_core import StateCore
    from markdown_it.token import Token

_NARROWEST = 8
"""Cells of the window that a column needs, its share of the space between columns included."""


class WholeTable(rich_markdown.TableElement):
    """Breaks words that are too wide; where columns would be too narrow to read, each row is a list of its cells."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        header = [cell.content for cell in self.header.row.cells] if self.header and self.header.row else []
        rows = [[cell.content for cell in row.cells] for row in self.body.rows] if self.body else []
        if options.max_width < _NARROWEST * len(header):
            yield from _as_lists(header, rows)
            return
        (table,) = super().__rich_console__(console, options)
        assert isinstance(table, Table)
        for column in table.columns:
            column.overflow = "fold"
        yield table


def _as_lists(header: Sequence[Text], rows: Sequence[Sequence[Text]]) -> RenderResult:
    for row in rows or [[Text()] * len(header)]:
        for name, cell in zip(header, row, strict=False):
            yield Text.assemble((name.plain, "bold"), ": ", cell, overflow="fold")
        yield Text()


def keep_all_cells(state: StateCore) -> None:
    """A rule for the parser, between blocks and words: cells without a column stand in the last one."""
    columns = 0
    for number, token in enumerate(state.tokens):
        if token.type == "thead_open":
            columns = 0
        elif token.type == "th_open":
            columns += 1
        elif token.type == "tr_close" and columns and state.tokens[number - 1].type == "td_close":
            _extend(state.tokens[number - 2], columns, state.src)


def _extend(last: Token, columns: int, text: str) -> None:
    from markdown_it.rules_block.table import escapedSplit

    assert last.map is not None  # every cell knows its line
    line = text.split("\n")[last.map[0]].strip(" \t>")
    cells = escapedSplit(line.removeprefix("|").removesuffix("|"))
    if len(cells) > columns:
        last.content = " | ".join(cell.strip() for cell in cells[columns - 1 :])
