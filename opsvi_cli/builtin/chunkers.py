"""The built-in chunkers: one cutter, and five ways to say where it may cut.

The text is cut from front to back. Each cut is the best boundary inside the budget of `size` characters; the next
chunk starts up to `overlap` characters earlier, at a sentence or word. Work is linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from opsvi_cli.sdk import Document, Services, UsageError

VERSION = 1
DEFAULT_SIZE = 1000
DEFAULT_OVERLAP = 150

# Lines that begin a block: fence, heading, list item, table row, and runs of blank lines (CommonMark 0.31).
_MARK = re.compile(
    r"^(?: {0,3}(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)|(?P<heading> {0,3}#{1,6}(?=[ \t\n]|\Z))"
    r"|(?P<item>[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]|[ \t]*\|)|(?P<blank>(?:[ \t]*\n)+))",
    re.MULTILINE,
)
_SENTENCE = re.compile(r"[.!?…][\"')\]»”’*_]*\s+(?=[^\sa-z])|[。！？][\"”」』）]*")
_LINE = re.compile(r"\n")
_WORD = re.compile(r"\s+")
_LONGEST_RUN = 1000
_JOINERS = frozenset("\u200d\ufe0e\ufe0f\u20e3")


@dataclass
class _Structure:
    """Where the blocks of a Markdown text begin, all in ascending order."""

    headings: list[int] = field(default_factory=list)
    paragraphs: list[int] = field(default_factory=list)
    items: list[int] = field(default_factory=list)
    fences: list[tuple[int, int]] = field(default_factory=list)


def _structure(text: str) -> _Structure:
    found = _Structure()
    fence = ""
    fence_start = after_heading = 0
    for match in _MARK.finditer(text):
        start = match.start()
        if marks := match["fence"]:
            if not fence:
                fence, fence_start = marks, start
                found.paragraphs.append(start)
            elif marks[0] == fence[0] and len(marks) >= len(fence) and not match["info"].strip():
                found.fences.append((fence_start, match.end()))
                fence = ""
        elif match["blank"] is not None:
            if start != after_heading:
                found.paragraphs.append(match.end())
        elif not fence and match["heading"] is not None:
            found.headings.append(start)
            after_heading = text.find("\n", start) + 1 or len(text)
        elif not fence:
            found.items.append(start)
    if fence:
        found.fences.append((fence_start, len(text)))
    return found


@dataclass(frozen=True)
class _Plan:
    """Where one chunker may cut. `strong`: offsets that begin a chunk of their own once enough stands before them.

    `soft`: offsets to cut at when the budget ends, the better kind first; `patterns` the same, searched when needed.
    """

    strong: dict[int, int] = field(default_factory=dict)
    soft: tuple[list[int], ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()
    fences: tuple[tuple[int, int], ...] = ()
    exact: bool = False
    """Take the budget and the overlap to the character."""


class _Cutter:
    def __init__(self, text: str, size: int, overlap: int, plan: _Plan) -> None:
        self.text, self.size, self.overlap, self.plan = text, size, overlap, plan
        self.strong = sorted(plan.strong)
        self.fence_starts = [start for start, _end in plan.fences]
        self.end = len(text.rstrip())

    def spans(self) -> Iterator[tuple[int, int]]:
        start = base = 0
        last = (-1, 0)
        while base < self.end:
            cut = self._cut(start, base)
            found = self._trim(start, cut)
            if found[1] > max(last[1], found[0]):  # else: white space after an overlap
                if found[0] > last[0] >= 0:
                    yield last
                last = found
            start, base = self._next_start(start, cut), cut
        if last[0] >= 0:
            yield last

    def _trim(self, start: int, end: int) -> tuple[int, int]:
        """Without blank lines at the front (indentation stays) and white space at the end."""
        piece = self.text[start:end]
        head = len(piece) - len(piece.lstrip())
        newline = piece.rfind("\n", 0, head)
        if newline < 0 and start and self.text[start - 1] != "\n":
            newline = head - 1
        return start + newline + 1, start + len(piece.rstrip())

    def _cut(self, start: int, base: int) -> int:
        """The end of the chunk that starts at `start` and has to bring something after `base`."""
        limit = start + self.size
        stop = self._stop(start, base)
        if stop <= limit:
            return stop
        if stop - limit < self.size // 5 and not self.plan.exact:  # leave enough for the last chunk before `stop`
            limit = max(stop - self.size // 5, base + 1)
        return self._keep_fence(self._soft(start, base, limit), start, base)

    def _stop(self, start: int, base: int) -> int:
        """The next strong boundary with enough text before it, or the end of the text."""
        place = bisect_right(self.strong, base)
        while place < len(self.strong):
            offset = self.strong[place]
            enough = self.plan.strong[offset]
            tiny_rest = enough > 1 and self.end - offset < self.size // 10 and self.end - start <= self.size
            if offset - base >= enough and not tiny_rest:
                return min(offset, self.end)
            place += 1
        return self.end

    def _soft(self, start: int, base: int, limit: int) -> int:
        low = max(start + self.size // 2, base + 1)
        for offsets in self.plan.soft:
            place = bisect_right(offsets, limit) - 1
            if place >= 0 and offsets[place] >= low:
                return offsets[place]
        window = self.text[base:limit]
        for pattern in self.plan.patterns:
            best = 0
            for match in pattern.finditer(window):
                best = match.end()
            if base + best >= low:
                return base + best
        for pattern in reversed(self.plan.patterns):  # nothing in the second half: any word end is better than none
            ends = [match.end() for match in pattern.finditer(window)]
            if ends and window[: ends[-1]].strip():
                return base + ends[-1]
        return _between_graphemes(self.text, limit, base + 1)

    def _keep_fence(self, cut: int, start: int, base: int) -> int:
        """Move a cut out of a code fence that fits into one chunk."""
        place = bisect_right(self.fence_starts, cut) - 1
        if place < 0:
            return cut
        begin, end = self.plan.fences[place]
        if begin < cut < end and end - begin <= self.size:
            if end <= start + self.size:
                return end
            if self.text[base:begin].strip():
                return begin
        return cut

    def _next_start(self, start: int, cut: int) -> int:
        floor = max(cut - self.overlap, start + 1, 0)
        place = bisect_right(self.strong, cut) - 1
        if place >= 0:
            floor = max(floor, self.strong[place])
        at = bisect_left(self.fence_starts, cut) - 1
        if at >= 0:
            _begin, end = self.plan.fences[at]
            floor = max(floor, end) if end <= cut else floor
        if floor >= cut or not self.overlap:
            return cut
        if self.plan.exact:
            return _between_graphemes(self.text, floor, max(start + 1, cut - self.size * 3 // 4))
        following = bisect_left(self.fence_starts, cut)
        if following < len(self.fence_starts):
            begin, end = self.plan.fences[following]
            if end - begin <= self.size < end - floor and not self.text[cut:begin].strip():
                return cut  # the fence fits only without an overlap
        window = self.text[floor:cut]
        for pattern in self.plan.patterns:
            for match in pattern.finditer(window):
                if floor + match.end() < cut:
                    return floor + match.end()
        return cut


def _extends(text: str, at: int) -> bool:
    """True when the character at `at` belongs to the one before it (UAX #29, in its main cases)."""
    here, before = text[at], text[at - 1]
    if here in _JOINERS or before == "\u200d" or (before == "\r" and here == "\n"):
        return True
    if "\U0001f3fb" <= here <= "\U0001f3ff" or "\u1160" <= here <= "\u11ff":  # skin tones, Hangul vowels and finals
        return True
    if "\udc00" <= here <= "\udfff" and "\ud800" <= before <= "\udbff":
        return True
    if "\U0001f1e6" <= here <= "\U0001f1ff":  # flags are pairs of regional indicators
        run = 0
        while run < _LONGEST_RUN and at - 1 - run >= 0 and "\U0001f1e6" <= text[at - 1 - run] <= "\U0001f1ff":
            run += 1
        return run % 2 == 1
    return unicodedata.category(here)[0] == "M"


def _between_graphemes(text: str, at: int, floor: int) -> int:
    """`at`, or the nearest place before it (never below `floor`) that splits no character as a reader sees it."""
    if at >= len(text):
        return len(text)
    place = at
    while place > floor and _extends(text, place):
        place -= 1
    return at if place <= floor else place


class Recursive:
    """Headings, pages, paragraphs, list items, sentences, words: the largest that fits. Fenced code stays whole."""

    def __init__(self, services: Services) -> None:
        self._size = _option(services, "size", DEFAULT_SIZE, least=1)
        overlap = _option(services, "overlap", DEFAULT_OVERLAP, least=0)
        if overlap >= self._size:
            raise UsageError(
                f"an overlap of {overlap} characters does not fit chunks of {self._size}",
                hint="make --overlap smaller, or --chunk-size larger",
            )
        self._overlap = min(overlap, self._size // 2)
        self.fingerprint = f"{services.name}/{VERSION}:{self._size}:{self._overlap}"

    def spans(self, document: Document) -> Iterator[tuple[int, int]]:
        """(start, end) in characters, at most `size` long; together they hold all that is not white space."""
        return _Cutter(document.text, self._size, self._overlap, self._plan(document)).spans()

    def _plan(self, document: Document) -> _Plan:
        found = _structure(document.text)
        strong = {page.start: self._size // 2 for page in document.pages}
        strong.update((offset, self._size // 3) for offset in _section_starts(document, found))
        return _Plan(strong, (found.paragraphs, found.items), (_SENTENCE, _LINE, _WORD), tuple(found.fences))


class Markdown(Recursive):
    """One chunk a section, split only when too long; a heading without text of its own joins the next."""

    def _plan(self, document: Document) -> _Plan:
        found = _structure(document.text)
        return _Plan(
            _without_bare_headings(document.text, _section_starts(document, found)),
            (found.paragraphs, found.items),
            (_SENTENCE, _LINE, _WORD),
            tuple(found.fences),
        )


class Paragraph(Recursive):
    """Whole paragraphs; short ones share a chunk, one that is too long is split at sentences."""

    def _plan(self, document: Document) -> _Plan:
        found = _structure(document.text)
        strong = dict.fromkeys((*found.paragraphs, *found.headings), self._size // 4)
        inside = [offset for offset in strong if _in_fence(found.fences, offset)]
        for offset in inside:
            del strong[offset]
        return _Plan(strong, (found.items,), (_SENTENCE, _LINE, _WORD), tuple(found.fences))


class Sentence(Recursive):
    """As many whole sentences as fit, whatever stands between them."""

    def _plan(self, document: Document) -> _Plan:
        return _Plan(soft=(), patterns=(_SENTENCE, _WORD))


class Fixed(Recursive):
    """A fixed number of characters, and exactly the overlap asked for."""

    def _plan(self, document: Document) -> _Plan:
        return _Plan(exact=True)


def _option(services: Services, name: str, default: int, *, least: int) -> int:
    value = services.options.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UsageError(f"chunker {services.name}: {name} is {value!r}, not a whole number from {least} on")
    return value


def _section_starts(document: Document, found: _Structure) -> list[int]:
    """Headings in the text, and the sections that the processor found (they may have no Markdown heading)."""
    return sorted({*found.headings, *(section.start for section in document.sections)})


def _without_bare_headings(text: str, starts: list[int]) -> dict[int, int]:
    """Offsets at which a section with text of its own ends: a bare heading stays with the section after it."""
    kept = {}
    begin = 0
    for offset in starts:
        body = text[begin:offset].strip()
        if body and not (body.startswith("#") and "\n" not in body):
            kept[offset] = 1
        begin = offset
    return kept


def _in_fence(fences: list[tuple[int, int]], offset: int) -> bool:
    place = bisect_left(fences, (offset, 0)) - 1
    return place >= 0 and fences[place][0] < offset < fences[place][1]
