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
from opsvi_cli.sdk import JSON, Document, Message, ModelRequest

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
    """Digits, letters, blanks and hyphens of other scripts and widths as the ASCII sign they stand for, one for one."""
    if text.isascii():
        return text
    return text.translate({ord(sign): plain for sign in set(text) if (plain := _ascii(sign)) is not None})


def _ascii(sign: str) -> str | None:
    if (digit := unicodedata.decimal(sign, None)) is not None:
        return str(digit)
    category = unicodedata.category(sign)
    if category in ("Zs", "Pd"):
        return " " if category == "Zs" else "-"
    return chr(ord(sign) - 0xFEE0) if 0xFF01 <= ord(sign) <= 0xFF5E else None


def summary(counts: Mapping[str, int]) -> str:
    """`2 e-mail address, 1 IBAN`: what was found, for people."""
    return ", ".join(f"{count} x {name}" for name, count in sorted(counts.items()))


class Redaction:
    """Replaces what it finds; the same value gets the same mark wherever it stands, as long as this object is used."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self._kinds = kinds
        self._marks: dict[tuple[str, str], str] = {}
        self.counts: Counter[str] = Counter()

    def text(self, text: str) -> str:
        return self.moved(text).text

    def moved(self, text: str) -> Moved:
        """The text with marks, and where its offsets went."""
        found = find(text, self._kinds)
        self.counts.update(item.kind.name for item in found)
        return Moved(text, [(item.start, item.end, self._mark(item, text)) for item in found])

    def data(self, value: JSON) -> JSON:
        """The same in what JSON can hold; names of fields stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {name: self.data(item) for name, item in value.items()}
        return [self.data(item) for item in value] if isinstance(value, list) else value

    def _mark(self, found: Found, text: str) -> str:
        label = found.kind.label
        value = _folded(text[found.start : found.end]).casefold()
        key = (label, "".join(c for c in value if c.isalnum() or c in "@."))
        number = sum(1 for known, _ in self._marks if known == label) + 1
        return self._marks.setdefault(key, f"[{label}_{number}]")


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
    """The request as it may leave: as it is, with a warning, or with marks. Raises PersonalDataError."""
    mode = app.settings.safety.pii
    if mode == "off":
        return request
    kinds = kinds_of(app)
    if mode == "warn":
        if fresh := _said_now(request.messages, kinds):
            app.warn(f"the prompt holds personal data: {summary(fresh)} (--pii redact takes it out)")
        return request
    redaction = Redaction(kinds)
    messages = [replace(message, text=redaction.text(message.text)) for message in request.messages]
    if mode == "block" and redaction.counts:
        raise PersonalDataError(
            f"the prompt holds personal data, and nothing was sent: {summary(redaction.counts)}",
            hint="take it out, or --pii redact sends marks in its place",
        )
    return replace(request, messages=messages) if redaction.counts else request


def _said_now(messages: Sequence[Message], kinds: Sequence[Kind]) -> Counter[str]:
    """What stands in the messages behind the model's last answer: of the others it was said before."""
    answered = max((n for n, message in enumerate(messages) if message.role == "assistant"), default=-1)
    return Counter(item.kind.name for message in messages[answered + 1 :] for item in find(message.text, kinds))


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
        metadata={name: redaction.data(value) for name, value in document.metadata.items()},
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
