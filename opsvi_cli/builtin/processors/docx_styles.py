"""What styles and numbering definitions say about a paragraph of a Word document: heading level, list label."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from .docx_package import Package, attribute, local

if TYPE_CHECKING:
    from lxml.etree import _Element

_HEADING = re.compile(r"heading\s*([1-9])", re.IGNORECASE)
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl")),
    *((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)
MAX_BASES = 30
"""Styles that are based on each other; a cycle ends here."""


def child(element: _Element | None, *path: str) -> _Element | None:
    """The first descendant along a path of local names."""
    for name in path:
        if element is None:
            return None
        element = next((item for item in element if local(item) == name), None)
    return element


def value(element: _Element | None, *path: str) -> str:
    """The `val` of the element along a path; empty when there is none."""
    found = child(element, *path)
    return attribute(found, "val") if found is not None else ""


def switched_on(element: _Element | None, name: str) -> bool:
    """Whether a toggle property is there and not set to off."""
    found = child(element, name)
    return found is not None and attribute(found, "val").lower() not in ("0", "false", "off")


class Styles:
    """Paragraph styles by id."""

    def __init__(self, package: Package) -> None:
        self._styles: dict[str, _Element] = {}
        part = package.find("word/styles.xml")
        for style in package.xml(part) if part else ():
            if local(style) == "style":
                self._styles[attribute(style, "styleId")] = style

    def _chain(self, style_id: str) -> list[_Element]:
        found: list[_Element] = []
        while style_id in self._styles and len(found) < MAX_BASES:
            found.append(self._styles[style_id])
            style_id = value(found[-1], "basedOn")
        return found

    def level(self, paragraph: _Element | None) -> int:
        """Heading level 1..6 of a paragraph's properties; 0 for ordinary text."""
        own = value(paragraph, "outlineLvl")
        if own.isdecimal():
            return min(int(own) + 1, 6) if int(own) < 9 else 0
        style_id = value(paragraph, "pStyle")
        for style in self._chain(style_id):
            name = value(style, "name")
            if match := _HEADING.match(name):
                return min(int(match[1]), 6)
            if name.lower() == "title":
                return 1
            level = value(style, "pPr", "outlineLvl")
            if level.isdecimal():
                return min(int(level) + 1, 6) if int(level) < 9 else 0
        if style_id not in self._styles and (match := _HEADING.match(style_id)):
            return min(int(match[1]), 6)
        return 0

    def numbering(self, paragraph: _Element | None) -> tuple[str, int] | None:
        """(numId, level) of the paragraph itself or of its style; None when it is in no list."""
        level = 0
        for source in (paragraph, *(child(style, "pPr") for style in self._chain(value(paragraph, "pStyle")))):
            number = value(source, "numPr", "numId")
            if depth := value(source, "numPr", "ilvl"):
                level = int(depth) if depth.isdecimal() else 0
            if number:
                return (number, level) if number != "0" else None
        return None


class _Level(NamedTuple):
    format: str
    text: str
    start: int


class Numbering:
    """Counts list items as a word processor does."""

    def __init__(self, package: Package) -> None:
        self._abstract: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, str] = {}
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)
        part = package.find("word/numbering.xml")
        for item in package.xml(part) if part else ():
            if local(item) == "abstractNum":
                self._abstract[attribute(item, "abstractNumId")] = _levels(item)
            elif local(item) == "num":
                self._lists[attribute(item, "numId")] = value(item, "abstractNumId")

    def label(self, number: str, level: int) -> str:
        """The label of the next item: `-` for a bullet, `3.`, `2.1`, `(a)`; empty when the list shows none."""
        abstract = self._lists.get(number, "")
        levels = self._abstract.get(abstract, {})
        here = levels.get(level)
        if here is None or here.format == "bullet":
            return "-"
        if here.format == "none":
            return ""
        counts = self._counts[abstract]
        counts[level] = counts.get(level, here.start - 1) + 1
        for deeper in [depth for depth in counts if depth > level]:
            del counts[deeper]

        def shown(match: re.Match[str]) -> str:
            depth = int(match[1]) - 1
            step = levels.get(depth, _Level("decimal", "", 1))
            return _count(counts.get(depth, step.start), step.format)

        return re.sub(r"%([1-9])", shown, here.text).strip() or _count(counts[level], here.format) + "."


def _levels(abstract: _Element) -> dict[int, _Level]:
    found: dict[int, _Level] = {}
    for item in abstract:
        depth = attribute(item, "ilvl")
        if local(item) == "lvl" and depth.isdecimal():
            start = value(item, "start")
            form = value(item, "numFmt") or "decimal"
            found[int(depth)] = _Level(form, value(item, "lvlText"), int(start) if start.isdecimal() else 1)
    return found


def _count(number: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter") and 0 < number <= 26 * 50:
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if form == "upperLetter" else letter
    if form in ("lowerRoman", "upperRoman") and 0 < number < 5000:
        text = ""
        for size, sign in _ROMAN:
            text += sign * (number // size)
            number %= size
        return text.upper() if form == "upperRoman" else text
    return str(number)
