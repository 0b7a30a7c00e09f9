"""The help that is written from the command table: the root page, the global options, suggestions. No Typer here."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable

from .command_table import COMMANDS, SECTIONS
from .global_options import FLAGS

EXAMPLES = (
    "opsvi ingest docs/ mail.eml https://example.org/page",
    'opsvi query "who is on call on Sundays?"',
    "opsvi search --json backup | jq -r '.[].source'",
)


def width() -> int:
    """Columns of help text: COLUMNS or the terminal's, 80 when piped, at most 100."""
    return max(40, min(100, shutil.get_terminal_size((80, 24)).columns))


def _rows(rows: Iterable[tuple[str, str]]) -> list[str]:
    rows = list(rows)
    column = min(26, max(len(name) for name, _ in rows) + 4)
    lines: list[str] = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, max(20, width() - column)) or [""]
        head = f"  {name}"
        if len(head) + 2 > column:
            lines.append(head)
            head = ""
        lines.append(f"{head:<{column}}{wrapped[0]}")
        lines.extend(" " * column + line for line in wrapped[1:])
    return lines


def global_help() -> str:
    """The block that every command's help ends with."""
    rows = [(", ".join(flag.names) + (f" {flag.value}" if flag.value else ""), flag.help) for flag in FLAGS]
    return "\n".join(["", "Global options (before or after the command):", *_rows(rows), ""])


def root_help(bold: bool = False) -> str:
    """What `opsvi`, `opsvi -h` and `opsvi --help` print."""

    def head(text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if bold else text

    lines = [
        "opsvi: search, ask and script against your own documents.",
        "",
        head("Usage:") + " opsvi [GLOBAL OPTIONS] COMMAND [ARGUMENTS]",
        "",
        head("Examples:"),
    ]
    for example in EXAMPLES:
        lines.extend(textwrap.wrap(example, width() - 2, initial_indent="  ", subsequent_indent="    "))
    for section in SECTIONS:
        lines.extend(["", head(f"{section} Commands:")])
        lines.extend(_rows((c.name, c.help) for c in COMMANDS.values() if c.section == section))
    lines.append(global_help().rstrip("\n"))
    lines.extend(
        [
            "",
            *textwrap.wrap("`opsvi help TOPIC`: environment, exit-codes, formatting, filters", width()),
            *textwrap.wrap("`opsvi COMMAND --help`: the options of one command", width()),
            "",
        ]
    )
    return "\n".join(lines)
