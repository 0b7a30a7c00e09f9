"""Hits for people: rank, score, where it stands, and the part of the passage around the words that were asked for."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Sequence

from opsvi_cli.context import AppContext
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.sdk import Hit

from .answers import hit_record, short_source
from .output import message, show_rows

FIELDS = (
    "rank",
    "score",
    "text",
    "source",
    "document_id",
    "chunk_id",
    "title",
    "page",
    "section",
    "start",
    "end",
    "metadata",
)
_SNIPPET_LINES = 3
_SHORT = 3
"""Words up to this length are mostly `who`, `is`, `on`."""
_WORD = re.compile(r"\w{2,}")


def show_hits(app: AppContext, text: str, hits: Sequence[Hit], *, empty: str) -> None:
    """JSON for programs, a tab-separated line each in a pipe, a few lines each on a terminal."""
    if app.options.machine:
        show_rows(app, (hit_record(hit) for hit in hits), FIELDS)
    elif not hits:
        if app.is_terminal(app.err):
            message(app, empty)
    elif app.is_terminal(app.out) or app.use_color:
        _show_blocks(app, text, hits)
    else:
        for hit in hits:
            cells = (str(hit.rank), f"{hit.score:.4f}", hit.source, place(hit), hit.text)
            app.out.write("\t".join(" ".join(plain(cell).split()) for cell in cells) + "\n")


def place(hit: Hit) -> str:
    """Page or section within the document; empty when neither is known."""
    return f"page {hit.page}" if hit.page is not None else hit.section or ""


def _show_blocks(app: AppContext, text: str, hits: Sequence[Hit]) -> None:
    color = app.use_color
    width = max(40, min(120, shutil.get_terminal_size((100, 24)).columns))
    mark = _marks(text)
    for hit in hits:
        where = plain(", ".join(part for part in (short_source(app, hit.source), place(hit)) if part))
        head = f"\x1b[1m{where}\x1b[0m" if color else where
        app.out.write(f"{hit.rank:>2}  {hit.score:.3f}  {head}\n")
        for line in snippet(hit.text, mark, width - 4):
            shown = mark.sub(lambda m: f"\x1b[1;33m{m[0]}\x1b[0m", line) if color and mark else line
            app.out.write(f"    {shown}\n")
        app.out.write("\n")


def _marks(text: str) -> re.Pattern[str] | None:
    """The words of the question with their endings; short words only when there are no others."""
    words = sorted({word.casefold() for word in _WORD.findall(text)}, key=lambda word: (-len(word), word))
    telling = [word for word in words if len(word) > _SHORT] or words
    if not telling:
        return None
    return re.compile(r"\b(?:" + "|".join(map(re.escape, telling)) + r")\w{0,3}\b", re.IGNORECASE)


def snippet(text: str, mark: re.Pattern[str] | None, width: int) -> list[str]:
    """A few lines of the passage from where most of the marked words stand, without control characters."""
    lines = textwrap.wrap(" ".join(plain(text).split()), width - 1)
    if len(lines) <= _SNIPPET_LINES:
        return lines
    found = [len({m[0].casefold() for m in mark.finditer(line)}) if mark else 0 for line in lines]
    starts = range(len(lines) - _SNIPPET_LINES + 1)
    start = max(starts, key=lambda n: (sum(found[n : n + _SNIPPET_LINES]), -n))
    chosen = lines[start : start + _SNIPPET_LINES]
    if start:
        chosen[0] = "…" + chosen[0]
    if start + _SNIPPET_LINES < len(lines):
        chosen[-1] += "…"
    return chosen
