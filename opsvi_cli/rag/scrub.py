"""Takes out of extracted text what no reader sees and what can do harm, and moves the offsets along.

The one place for it: every document of every processor passes here. Control characters and terminal escapes,
direction overrides (UAX #9), zero-width and tag characters (which hide text from people, not from models), soft
hyphens, lone surrogates. ZWJ and ZWNJ stay: scripts and emoji need them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate

from opsvi_cli.sdk import JSON, Document, Page, Section

_ESCAPE = r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|[\]PX^_][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)|[ -/]{0,8}[0-~])"
_LINE_END = r"\r\n?|[\x0b\x0c\x85\u2028\u2029]"
_DROPPED = (
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_UNSAFE = re.compile(f"(?P<line>{_LINE_END})|(?P<half>[\ud800-\udfff])|{_ESCAPE}|{_DROPPED}")
_BLANKS = re.compile(r"\s+")
MAX_TITLE = 500


def _instead(match: re.Match[str]) -> str:
    if match["line"]:
        return "\n"
    return "\ufffd" if match["half"] else ""


def scrub_text(text: str) -> str:
    return _UNSAFE.sub(_instead, text)


def scrub(document: Document) -> Document:
    """The document with safe text, title and metadata; pages and sections still point at the same words."""
    text = document.text
    sections = document.sections
    pages = document.pages
    if _UNSAFE.search(text):
        moved = _Moved(text)
        text = moved.text
        pages = tuple(Page(page.number, moved.to(page.start), moved.to(page.end)) for page in pages)
        sections = tuple(
            replace(section, start=moved.to(section.start), end=moved.to(section.end)) for section in sections
        )
    return replace(
        document,
        text=text,
        title=_line(document.title)[:MAX_TITLE],
        part=_line(document.part),
        id=_line(document.id),
        metadata=_json_object(document.metadata),
        pages=pages,
        sections=tuple(_named(section) for section in sections),
        warnings=tuple(_line(warning) for warning in document.warnings),
    )


def _named(section: Section) -> Section:
    return replace(section, path=tuple(_line(title) for title in section.path))


def _line(text: str) -> str:
    return _BLANKS.sub(" ", scrub_text(text)).strip()


def _json_object(value: Mapping[str, JSON]) -> dict[str, JSON]:
    return {_line(str(key)): _json(item) for key, item in value.items()}


def _json(value: JSON) -> JSON:
    if isinstance(value, str):
        return scrub_text(value)
    if isinstance(value, dict):
        return _json_object(value)
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value


class _Moved:
    """A text after scrubbing, and where each offset of the old one went."""

    def __init__(self, old: str) -> None:
        pieces: list[str] = []
        shifts: list[int] = []
        self._ends: list[int] = []
        last = 0
        for match in _UNSAFE.finditer(old):
            put = _instead(match)
            pieces += (old[last : match.start()], put)
            self._ends.append(match.end())
            shifts.append(len(put) - (match.end() - match.start()))
            last = match.end()
        self._shifts = [0, *accumulate(shifts)]
        self.text = "".join(pieces) + old[last:]

    def to(self, offset: int) -> int:
        """The new offset; one inside something dropped goes to where it was."""
        return min(max(offset + self._shifts[bisect_right(self._ends, offset)], 0), len(self.text))
