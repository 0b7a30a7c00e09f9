"""The help that is written from the command table: the root page, the global options, suggestions. No Typer here."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Callable, Iterable

from .command_table import COMMANDS, SECTIONS
from .global_options import FLAGS

EXAMPLES = (
    "opsvi ingest docs/ mail.eml https://example.org/page",
    'opsvi query "who is on call on Sundays?"',
    "opsvi search --json backup | jq -r '.[].source'",
)

_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'])+|["']""")
"""A word of a shell command with its quotes."""


def width() -> int:
    """Columns of help text: COLUMNS or the terminal's, 80 when piped, at most 100."""
    return max(40, min(100, shutil.get_terminal_size((80, 24)).columns))


def rows(entries: Iterable[tuple[str, str]]) -> list[str]:
    """Two columns: names, and what they do, wrapped; a name that is too wide has a line of its own."""
    entries = list(entries)
    column = min(26, max(len(name) for name, _ in entries) + 4)
    lines: list[str] = []
    for name, text in entries:
        wrapped = textwrap.wrap(text, max(20, width() - column)) or [""]
        head = f"  {name}"
        if len(head) + 2 > column:
            lines.append(head)
            head = ""
        lines.append(f"{head:<{column}}{wrapped[0]}")
        lines.extend(" " * column + line for line in wrapped[1:])
    return lines


def shell_lines(commands: Iterable[str]) -> list[str]:
    """Each command on a line; one that is too wide goes on in the next, so that it can still be pasted."""
    lines: list[str] = []
    for command in commands:
        line = " "
        for word in _WORD.findall(command):
            if len(line) + 1 + len(word) + 2 > width() and line.strip():
                lines.append(f"{line} \\")
                line = "   "
            line += f" {word}"
        lines.append(line)
    return lines


def global_help(head: Callable[[str], str] = str) -> str:
    """The block that every command's help ends with; `head` marks its heading."""
    entries = [(", ".join(flag.names) + (f" {flag.value}" if flag.value else ""), flag.help) for flag in FLAGS]
    return "\n".join(["", head("Global options (before or after the command):"), *rows(entries), ""])


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
    lines.extend(shell_lines(EXAMPLES))
    for section in SECTIONS:
        lines.extend(["", head(f"Commands for {section.lower()}:")])
        lines.extend(rows((c.name, c.help) for c in COMMANDS.values() if c.section == section))
    lines.append(global_help(head).rstrip("\n"))
    lines.extend(
        [
            "",
            *textwrap.wrap("`opsvi help TOPIC`: environment, exit-codes, formatting, filters", width()),
            *textwrap.wrap("`opsvi COMMAND --help`: the options of one command", width()),
            *textwrap.wrap("`opsvi plugins list`: the plugins, and the commands that they bring", width()),
            "",
        ]
    )
    return "\n".join(lines)
