"""The help topics that are not commands. Lists are read from where they are defined, so that they cannot drift."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable

from .errors import EXIT_CODE_MEANINGS
from .help_text import width

_FORMATTING = """\
Data goes to stdout, everything else to stderr.

On a terminal opsvi prints tables and prose. In a pipe it prints one row a line, cells separated by tabs, without a
header, nothing cut. For programs:

  --json               one JSON document: an array of rows, or one object
  --json=rank,source   only these fields, in this order; a wrong name lists the right ones
  --jsonl              one JSON object a line, printed as soon as it is known

Fields are only ever added. Times are ISO-8601 in UTC, sizes are bytes. Errors under --json are JSON on stderr:
{"error": {"code": ..., "message": ..., "hint": ...}}.

Colour: only on a terminal. NO_COLOR (any value) and TERM=dumb turn it off, FORCE_COLOR turns it on in a pipe,
--color always|never wins over them. Long text on a terminal goes through OPSVI_PAGER, PAGER or `less -FIRX`.
"""

_FILTERS = """\
--where keeps the documents whose fields satisfy a condition. Fields are the document's metadata, and source, title,
media_type, document_id, ingested.

  year >= 2024                    = != < <= > >=   numbers with numbers, text with text
  source ~ "*.pdf"                shell pattern
  team in ("search", "storage")   also: not in
  tags contains "urgent"          an element of a list, or part of a text (any case)
  author exists                   also: not (author exists)
  year >= 2024 and not (team = "search" or title ~ "Draft*")

A field that a document lacks equals null. !=, not in and not are the exact opposites of =, in and the bare condition,
so `team != "search"` keeps documents without a team.

  opsvi search backup --where 'media_type = "application/pdf" and pages > 3'
"""


def _exit_codes() -> str:
    return _table((str(int(code)), meaning) for code, meaning in EXIT_CODE_MEANINGS.items())


def _environment() -> str:
    from .foundation.environment import variables

    return _table(variables())


def _table(rows: Iterable[tuple[str, str]]) -> str:
    rows = list(rows)
    column = min(28, max(len(name) for name, _ in rows)) + 2
    lines: list[str] = []
    for name, text in rows:
        wrapped = textwrap.wrap(text, max(20, width() - column))
        if len(name) + 2 > column:
            lines.extend([name, *(" " * column + line for line in wrapped)])
        else:
            lines.append(f"{name:<{column}}{wrapped[0]}")
            lines.extend(" " * column + line for line in wrapped[1:])
    return "\n".join(lines) + "\n"


TOPICS: dict[str, tuple[str, Callable[[], str]]] = {
    "environment": ("Environment variables that opsvi reads", _environment),
    "exit-codes": ("Exit codes", _exit_codes),
    "formatting": ("Output for people and for programs", lambda: _FORMATTING),
    "filters": ("The language of --where", lambda: _FILTERS),
}


def topic_text(name: str) -> str:
    """The text of a topic, with its title."""
    title, body = TOPICS[name]
    return f"{title}\n\n{_wrap(body())}"


def _wrap(text: str) -> str:
    """Fold paragraphs to the width; indented lines (examples) stay as they are."""
    blocks = []
    for block in text.split("\n\n"):
        lines = block.splitlines()
        if any(line.startswith("  ") for line in lines):
            blocks.append(block)
        elif len(lines) > 1 and max(map(len, lines)) > width():
            blocks.append(textwrap.fill(" ".join(lines), width()))
        else:
            blocks.append(block)
    return "\n\n".join(blocks).rstrip("\n") + "\n"
