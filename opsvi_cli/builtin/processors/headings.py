"""From headings to sections with exact offsets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from opsvi_cli.sdk import Section

MAX_TITLE = 300
_ATX = re.compile(r"(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_MARKS = re.compile(r"\[([^\]]*)\]\([^)]*\)|[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}|<[^>]{0,200}>|\\(?=[^\w\s])")


class Heading(NamedTuple):
    """`start` is the offset of the heading's line in the text."""

    level: int
    title: str
    start: int


def sections(headings: Sequence[Heading], end: int) -> tuple[Section, ...]:
    """Each heading owns the text up to the next one of its level or above; the last ones end at `end`."""
    found: list[Section] = []
    stops = [end] * len(headings)
    waiting: list[int] = []
    for index, heading in enumerate(headings):
        while waiting and headings[waiting[-1]].level >= heading.level:
            stops[waiting.pop()] = heading.start
        waiting.append(index)
    path: list[Heading] = []
    for heading, stop in zip(headings, stops, strict=True):
        while path and path[-1].level >= heading.level:
            path.pop()
        path.append(heading)
        found.append(Section(tuple(step.title for step in path), heading.level, heading.start, stop))
    return tuple(found)


def scan(text: str) -> list[Heading]:
    """The `#` headings of Markdown that a processor has written itself; code fences are passed over."""
    return list(_scan(text))


def _scan(text: str) -> Iterator[Heading]:
    fence = ""
    position = 0
    for line in text.split("\n"):
        if marker := _FENCE.match(line):
            if not fence:
                fence = marker[1]
            elif marker[1].startswith(fence):
                fence = ""
        elif not fence and line.startswith("#") and (match := _ATX.match(line)) and match[2]:
            yield Heading(len(match[1]), plain_title(match[2]), position)
        position += len(line) + 1


def plain_title(markdown: str) -> str:
    """A heading's words without links, emphasis and tags, on one line."""
    text = _MARKS.sub(lambda match: match[1] or "", markdown[: 4 * MAX_TITLE])
    return " ".join(text.split())[:MAX_TITLE]
