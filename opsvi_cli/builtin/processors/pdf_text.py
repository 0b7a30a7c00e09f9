"""What a PDF page's text needs before it can be searched: ligatures, hyphens, running headers and footers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

REPEATED_SHARE = 0.6
MIN_PAGES = 4
EDGE_LINES = 3
"""How many lines from the top and the bottom of a page a running header or footer may take."""
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_INVISIBLE = {0x02: None, 0xAD: None}
_HYPHEN_AT_END = re.compile(r"(\w+)[-\u2010]\n(\w+)")
_WORD_WITH_HYPHEN = re.compile(r"\w+[-\u2010]\w+")
_BLANKS = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u3000]+")
_LINE_ENDS = re.compile(r" ?\n ?")
_BLANK_LINES = re.compile(r"\n{3,}")


def clean_pages(pages: Sequence[str]) -> list[str]:
    """Each page's text, made ready. The words stay in their order; only repeated headers and footers are dropped."""
    cleaned = [_clean(page) for page in pages]
    cleaned = _drop_running_lines(cleaned)
    known = {match.lower() for page in cleaned for match in _WORD_WITH_HYPHEN.findall(page)}
    return [_join_hyphens(page, known).strip() for page in cleaned]


def _clean(text: str) -> str:
    text = text.replace("\x02\n", "").replace("\u00ad\n", "")
    text = text.translate({**_LIGATURES, **_INVISIBLE})
    text = _LINE_ENDS.sub("\n", _BLANKS.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")))
    return _BLANK_LINES.sub("\n\n", text).strip()


def _join_hyphens(text: str, known: set[str]) -> str:
    """`exam-⏎ple` is one word; `well-⏎known` keeps its hyphen when the document writes `well-known` elsewhere."""

    def join(match: re.Match[str]) -> str:
        left, right = match.groups()
        if not right[0].islower() or not left[-1].isalpha():
            return f"{left}-{right}" if left[-1].isalpha() and right[0].isalpha() else match[0]
        return f"{left}-{right}" if f"{left}-{right}".lower() in known else left + right

    return _HYPHEN_AT_END.sub(join, text)


def _drop_running_lines(pages: list[str]) -> list[str]:
    """Drop lines that stand at the top or bottom of most pages; the first of each stays when it says something."""
    filled = [page for page in pages if page]
    if len(filled) < MIN_PAGES:
        return pages
    counts: Counter[str] = Counter()
    for page in filled:
        lines = page.split("\n")
        counts.update({_shape(lines[index]) for index in _edges(lines)})
    running = {shape for shape, count in counts.items() if shape and count >= REPEATED_SHARE * len(filled)}
    if not running:
        return pages
    shown: set[str] = set()
    return [_without(page, running, shown) for page in pages]


def _without(page: str, running: set[str], shown: set[str]) -> str:
    lines = page.split("\n")
    doomed: set[int] = set()
    for index in _edges(lines):
        shape = _shape(lines[index])
        if shape not in running:
            continue
        if shape in shown or sum(character.isalpha() for character in shape) < 3:
            doomed.add(index)
        shown.add(shape)
    kept = "\n".join(line for index, line in enumerate(lines) if index not in doomed).strip()
    return kept or page  # a page of nothing else is no page with a header


def _edges(lines: Sequence[str]) -> list[int]:
    filled = [index for index, line in enumerate(lines) if line.strip()]
    return sorted({*filled[:EDGE_LINES], *filled[-EDGE_LINES:]})


def _shape(line: str) -> str:
    """A line with its numbers made equal, so that `Page 3 of 9` repeats."""
    return re.sub(r"\d+", "#", " ".join(line.split()))[:200]
