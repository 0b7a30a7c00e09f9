"""Text cut into the pieces a reader would quote: sentences, list items, table rows, `key: value` lines, code.

Every piece is a slice of the text, so that what is shown stands in the source word for word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .terms import word_set

PieceKind = Literal["sentence", "item", "row", "header", "pair", "heading", "code"]

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")
_RULE = re.compile(r"\s*(?:[-*_=]\s*){3,}$")
_TABLE_ROW = re.compile(r"\s*\|.*\|?\s*$")
_TABLE_LINE = re.compile(r"\s*\|?\s*:?-{2,}:?\s*(?:\|\s*:?-{2,}:?\s*)*\|?\s*$")
_ITEM = re.compile(r"\s*(?:[-*+•‣–]|\d{1,3}[.)]|[a-zA-Z]\))\s+(?=\S)")
_PAIR = re.compile(r"\s*(?:\*\*|__)?[^\W\d_][\w /().&-]{0,40}?(?:\*\*|__)?:(?:\*\*|__)?\s+\S")
_COLUMNS = re.compile(r"\S(?: {3,}|\t)\S")
_END = re.compile(r"[.!?…]+[\"'”’»)\]*_]*(?=\s|$)|[。！？]+[」』”）]*")
_CITED = re.compile(r"(?:[ \t]*(?:\[\^?\d+(?:\s*[,;–-]\s*\d+)*\]|【\d+[^】]{0,20}】))+[.!?]?")
_ABBREVIATIONS = word_set(
    """mr mrs ms dr prof st sr jr vs approx ca cf e.g i.e eg ie no nos nr fig eq sec ch vol pp p inc ltd co corp dept
    est min max tel ext ref rev z.b bzw usw d.h u.a str jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed
    thu fri sat sun a.m p.m al op gen col capt lt sgt hr hrs art abs"""
)


_LONGEST_QUOTATION = 300
_LONGEST_ITEM = 300
"""Characters up to which a list item is quoted whole."""
_NUMBERED = re.compile(r"\s*\d{1,2}(?:\.\d{1,2})*[.)]?\s+[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Piece:
    """`text[start:end]` without white space around it. `marker`: length of a list bullet at its beginning."""

    kind: PieceKind
    start: int
    end: int
    block: int
    """Pieces of one paragraph, list item or table share a number."""
    marker: int = 0


def pieces(text: str, *, whole_items: bool = True) -> list[Piece]:
    """Cut a text (plain or Markdown). With `whole_items` a list item is one piece, else its sentences are."""
    found: list[Piece] = []
    for number, (kind, start, end) in enumerate(_blocks(text)):
        if kind == "sentence" or (kind == "item" and not (whole_items and end - start <= _LONGEST_ITEM)):
            marker = _marker(text, start, end) if kind == "item" else 0
            for first, last in _sentences(text, start + marker, end):
                opening = marker if first == start + marker else 0
                found.append(Piece(kind, first - opening, last, number, opening))
        else:
            marker = _marker(text, start, end) if kind == "item" else 0
            found.append(Piece(kind, start, end, number, marker))
    return found


def _marker(text: str, start: int, end: int) -> int:
    match = _ITEM.match(text, start, end)
    return match.end() - start if match else 0


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))


def _lines(text: str) -> list[tuple[int, int]]:
    """(start, end) of each line without its line end; nothing else than line feeds ends one."""
    spans, at = [], 0
    for line in text.split("\n"):
        spans.append((at, at + len(line)))
        at += len(line) + 1
    return spans


def _blocks(text: str) -> Iterator[tuple[PieceKind, int, int]]:
    lines = _lines(text)
    at = 0
    while at < len(lines):
        start, end = lines[at]
        line = text[start:end]
        if not line.strip() or (_RULE.match(line) and not _TABLE_ROW.match(line)):
            at += 1
            continue
        if fence := _FENCE.match(line):
            last = _fence_end(text, lines, at, fence[1])
            yield from _trimmed("code", text, start, lines[last][1])
            at = last + 1
            continue
        if _TABLE_ROW.match(line):
            under = text[slice(*lines[at + 1])] if at + 1 < len(lines) else ""
            if _TABLE_LINE.match(line):
                at += 1
                continue
            yield from _trimmed("header" if _TABLE_LINE.match(under) else "row", text, start, end)
            at += 1
            continue
        if _HEADING.match(line) or _underlined(text, lines, at):
            yield from _trimmed("heading", text, start, end)
            at += 1
            continue
        last = _paragraph_end(text, lines, at)
        yield from _paragraph(text, lines[at : last + 1])
        at = last + 1


def _trimmed(kind: PieceKind, text: str, start: int, end: int) -> Iterator[tuple[PieceKind, int, int]]:
    start, end = _trim(text, start, end)
    if start < end:
        yield kind, start, end


def _fence_end(text: str, lines: list[tuple[int, int]], at: int, fence: str) -> int:
    for number in range(at + 1, len(lines)):
        match = _FENCE.match(text[slice(*lines[number])])
        if match and match[1].startswith(fence):
            return number
    return len(lines) - 1


def _underlined(text: str, lines: list[tuple[int, int]], at: int) -> bool:
    under = text[slice(*lines[at + 1])].strip() if at + 1 < len(lines) else ""
    return len(under) >= 3 and set(under) in ({"="}, {"-"}) and len(text[slice(*lines[at])]) < 100


def _paragraph_end(text: str, lines: list[tuple[int, int]], at: int) -> int:
    """The last line that belongs to the paragraph beginning at line `at`."""
    for number in range(at + 1, len(lines)):
        line = text[slice(*lines[number])]
        if not line.strip() or _FENCE.match(line) or _HEADING.match(line) or _TABLE_ROW.match(line):
            return number - 1
    return len(lines) - 1


def _paragraph(text: str, lines: list[tuple[int, int]]) -> Iterator[tuple[PieceKind, int, int]]:
    """Cut a paragraph's lines where a list item, a `key: value` line or a row of columns begins."""
    kinds = [_line_kind(text, lines, number) for number in range(len(lines))]
    at = 0
    while at < len(lines):
        last = at
        while last + 1 < len(lines) and _goes_on(text, lines, kinds, last):
            last += 1
        yield from _trimmed(kinds[at], text, lines[at][0], lines[last][1])
        at = last + 1


def _line_kind(text: str, lines: list[tuple[int, int]], number: int) -> PieceKind:
    line = text[slice(*lines[number])]
    if _numbered_heading(text, lines, number):
        return "heading"
    if _ITEM.match(line):
        return "item"
    if _COLUMNS.search(line.strip()):
        return "row"
    if _PAIR.match(line) and len(line) <= 200:
        following = text[slice(*lines[number + 1])] if number + 1 < len(lines) else ""
        if not following or _PAIR.match(following) or _ITEM.match(following):
            return "pair"
    return "sentence"


def _numbered_heading(text: str, lines: list[tuple[int, int]], number: int) -> bool:
    """`3. Retention periods` above a paragraph, as in text out of a PDF: short, no full stop, capitals around."""
    line = text[slice(*lines[number])].strip()
    following = text[slice(*lines[number + 1])].lstrip() if number + 1 < len(lines) else ""
    if len(line) > 60 or line.endswith(tuple(".!?:,;-")) or not _NUMBERED.match(line):
        return False
    return line.lstrip("0123456789.) ")[:1].isupper() and following[:1].isupper() and len(following) > len(line)


def _goes_on(text: str, lines: list[tuple[int, int]], kinds: list[PieceKind], at: int) -> bool:
    """True when the line after `at` continues the same piece of text: a wrapped line."""
    if kinds[at + 1] != "sentence" or kinds[at] in ("row", "pair", "heading"):
        return False
    line, following = text[slice(*lines[at])].rstrip(), text[slice(*lines[at + 1])].lstrip()
    short = len(line) <= 50 and not line.endswith((",", ";", "-", "–"))
    return not (short and following[:1].isupper() and not line.endswith(tuple(".!?"))) or kinds[at] == "item"


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(start, end) of the sentences in a slice; citations behind the full stop belong to the sentence."""
    begin = start
    for match in _END.finditer(text, start, end):
        last = match.end()
        if match.start() < begin or not _ends_sentence(text, begin, match, end):
            continue
        if cited := _CITED.match(text, last, end):
            last = cited.end()
        first, stop = _trim(text, begin, last)
        if first < stop:
            yield first, stop
        begin = last
    first, stop = _trim(text, begin, end)
    if first < stop:
        yield first, stop


def _ends_sentence(text: str, begin: int, match: re.Match[str], end: int) -> bool:
    mark = match[0]
    if mark[0] in "。！？":
        return True
    rest = text[match.end() : end].lstrip()
    if not rest:
        return True
    if _inside_quotation(text[begin : match.end()], rest):
        return False
    if rest[0].islower() or rest[0] in ",;:":
        return False
    if mark[0] != "." or mark.startswith(".."):
        return True
    before = re.search(r"[^\s(\[\"“']*$", text[begin : match.start()])
    word = before[0].casefold() if before else ""
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha() and before is not None and before[0].isupper()):
        return False
    # `3. März`, `No. 5`, a numbered heading: a bare number with nothing before it does not end a sentence
    return not (word.isdigit() and len(word) <= 2 and not text[begin : match.start()].strip()[: -len(word)].strip())


def _inside_quotation(before: str, after: str) -> bool:
    """True when a quotation is open that ends soon: its own full stops end no sentence of the text around it."""
    near = after[:_LONGEST_QUOTATION]
    if before.count("“") > before.count("”"):
        return "”" in near
    return before.count('"') % 2 == 1 and '"' in near
