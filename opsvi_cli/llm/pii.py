"""Personal data in prompts and documents: warned of, replaced by `[EMAIL_1]` and the like, or refused.

Messages and errors say kinds and counts, never the data itself.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.sdk import JSON, Document, ModelRequest

from .layers import Below, Call, Events

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .pii_kinds import Kind


class PersonalDataError(OpsviError):
    """What was to be sent or stored holds personal data, and `safety.pii` is `block`."""

    code = "personal-data"


@dataclass(frozen=True, slots=True)
class Found:
    start: int
    end: int
    kind: Kind


def kinds_of(app: AppContext) -> list[Kind]:
    """What `safety.pii_kinds` names; everything but IP addresses when it names nothing. Raises UsageError."""
    from .pii_kinds import ALWAYS, KINDS

    names = app.settings.safety.pii_kinds or ALWAYS
    for name in names:
        if name not in KINDS:
            raise UsageError(f"safety.pii_kinds: there is no kind {name!r}", hint=f"kinds: {', '.join(KINDS)}")
    return [kind for name in KINDS if name in names for kind in KINDS[name]]


def find(text: str, kinds: Iterable[Kind]) -> list[Found]:
    """Everything that was found, in order; of what overlaps, the earlier kind's."""
    taken: list[Found] = []
    folded = _folded(text)
    for kind in kinds:
        for start, end in kind.find(folded):
            place = bisect_right(taken, start, key=lambda found: found.start)
            free_before = not place or taken[place - 1].end <= start
            free_behind = place == len(taken) or end <= taken[place].start
            if free_before and free_behind:
                taken.insert(place, Found(start, end, kind))
    return taken


def _folded(text: str) -> str:
    """Digits, letters, blanks and hyphens of other scripts and widths as the ASCII sign they stand for, one for one.

    Signs of scripts without spaces become blanks: a number that stands between them is no part of a word.
    """
    if text.isascii():
        return text
    return text.translate({ord(sign): plain for sign in set(text) if (plain := _ascii(sign)) is not None})


def _ascii(sign: str) -> str | None:
    if (digit := unicodedata.decimal(sign, None)) is not None:
        return str(digit)
    category = unicodedata.category(sign)
    if category in ("Zs", "Pd"):
        return " " if category == "Zs" else "-"
    if 0xFF01 <= ord(sign) <= 0xFF5E:
        return chr(ord(sign) - 0xFEE0)
    return " " if unicodedata.east_asian_width(sign) == "W" else None


def summary(counts: Mapping[str, int]) -> str:
    """`2 e-mail address, 1 IBAN`: what was found, for people."""
    return ", ".join(f"{count} x {name}" for name, count in sorted(counts.items()))


class Redaction:
    """Replaces what it finds; the same value gets the same mark wherever it stands, as long as this object is used.

    `counts` says how many values of each kind there were, each once.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._kinds = kinds
        self._marks: dict[tuple[str, str], str] = {}
        self.counts: Counter[str] = Counter()

    def text(self, text: str) -> str:
        return self.moved(text).text

    def moved(self, text: str) -> Moved:
        """The text with marks, and where its offsets went."""
        found = find(text, self._kinds)
        return Moved(text, [(item.start, item.end, self._mark(item, text)) for item in found])

    def data(self, value: JSON) -> JSON:
        """The same in what JSON can hold. A number that is data itself becomes its mark."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return marked if (marked := self.text(str(value))) != str(value) else value
        if isinstance(value, dict):
            return {self.text(name): self.data(item) for name, item in value.items()}
        return [self.data(item) for item in value] if isinstance(value, list) else value

    def _mark(self, found: Found, text: str) -> str:
        label = found.kind.label
        value = _folded(text[found.start : found.end]).casefold()
        key = (label, "".join(c for c in value if c.isalnum() or c in "@."))
        if key not in self._marks:
            self.counts[found.kind.name] += 1
            self._marks[key] = f"[{label}_{sum(1 for known, _ in self._marks if known == label) + 1}]"
        return self._marks[key]


class Moved:
    """A text after some places of it were replaced, and where each offset of the old one went."""

    def __init__(self, old: str, replaced: Sequence[tuple[int, int, str]]) -> None:
        pieces: list[str] = []
        self._starts: list[int] = []
        self._places: list[tuple[int, int, int, int]] = []
        last = length = 0
        for start, end, mark in replaced:
            pieces += (old[last:start], mark)
            length += start - last
            self._starts.append(start)
            self._places.append((start, end, length, length + len(mark)))
            length += len(mark)
            last = end
        self.text = "".join(pieces) + old[last:]

    def to(self, offset: int) -> int:
        """The new offset; one inside something replaced goes to the end of its mark."""
        place = bisect_right(self._starts, offset) - 1
        if place < 0:
            return offset
        start, end, new_start, new_end = self._places[place]
        if offset == start:
            return new_start
        return new_end if offset < end else new_end + offset - end


# --- prompts


def pii(call: Call, below: Below) -> Events:
    """Look at everything that is said to the model before any of it leaves. Raises PersonalDataError."""
    yield from below(replace(call, request=cleared(call.app, call.request)))


def cleared(app: AppContext, request: ModelRequest) -> ModelRequest:
    """The request as it may leave. Raises PersonalDataError."""
    messages = request.messages
    # What stands before the model's last answer was said, and warned of, before.
    answered = max((n for n, message in enumerate(messages) if message.role == "assistant"), default=-1)
    given = [message.text for message in messages]
    texts = cleared_texts(app, given, fresh=given[answered + 1 :])
    if texts == given:
        return request
    return replace(request, messages=[replace(m, text=text) for m, text in zip(messages, texts, strict=True)])


def cleared_texts(
    app: AppContext,
    texts: Sequence[str],
    *,
    fresh: Sequence[str] | None = None,
    what: str = "the prompt",
    how: str = "--pii redact",
) -> list[str]:
    """The texts as they may leave: as they are, with a warning of what is `fresh`, or with marks.

    `what` and `how` are for messages: what the texts are, and what replaces the data in them. Raises
    PersonalDataError when `safety.pii` is `block`.
    """
    mode = app.settings.safety.pii
    if mode == "off":
        return list(texts)
    redaction = Redaction(kinds_of(app))
    marked = [redaction.text(text) for text in (texts if mode != "warn" or fresh is None else fresh)]
    if not redaction.counts:
        return list(texts)
    said = f"{what} holds personal data"
    if mode == "block":
        raise PersonalDataError(
            f"{said}, and nothing was sent: {summary(redaction.counts)}",
            hint=f"take it out, or {how} sends marks in its place",
        )
    if mode == "warn":
        app.warn(f"{said}: {summary(redaction.counts)} ({how} takes it out)")
        return list(texts)
    return marked


# --- documents


def clean_document(document: Document, mode: str, kinds: Sequence[Kind]) -> Document:
    """The document as it may be stored: with a warning, with marks in the places of personal data, or not at all.

    Pages and sections keep pointing at the same words. Raises PersonalDataError when `mode` is `block`.
    """
    redaction = Redaction(kinds)
    moved = redaction.moved(document.text)
    cleaned = replace(
        document,
        text=moved.text,
        title=redaction.text(document.title),
        metadata={redaction.text(name): redaction.data(value) for name, value in document.metadata.items()},
        pages=tuple(replace(page, start=moved.to(page.start), end=moved.to(page.end)) for page in document.pages),
        sections=tuple(
            replace(
                section,
                path=tuple(redaction.text(title) for title in section.path),
                start=moved.to(section.start),
                end=moved.to(section.end),
            )
            for section in document.sections
        ),
    )
    if not redaction.counts:
        return document
    if mode == "block":
        raise PersonalDataError(f"it holds personal data: {summary(redaction.counts)}")
    said = f"personal data {'replaced' if mode == 'redact' else 'found'}: {summary(redaction.counts)}"
    kept = cleaned if mode == "redact" else document
    return replace(kept, warnings=(*document.warnings, said))
