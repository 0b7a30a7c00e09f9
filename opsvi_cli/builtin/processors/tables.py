"""Rows of cells as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """The first row is the header. Cells lose line ends, `|` is escaped, short rows are filled up."""
    if not rows:
        return ""
    width = max(len(row) for row in rows)
    lines = [_line(row, width) for row in rows]
    lines.insert(1, "|" + " --- |" * width)
    return "\n".join(lines)


def _line(row: Sequence[str], width: int) -> str:
    cells = [cell_text(cell) for cell in row] + [""] * (width - len(row))
    return "| " + " | ".join(cells) + " |"


def cell_text(text: str) -> str:
    return " ".join(text.split()).replace("\\|", "|").replace("|", "\\|")
