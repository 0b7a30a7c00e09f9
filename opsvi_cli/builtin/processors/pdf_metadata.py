"""What a PDF says besides its text: document information, outline, comments, form fields, attachments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import JSON, Page

from .headings import MAX_TITLE, Heading

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

MAX_ITEMS = 5000
_PROPERTIES = ("title", "author", "subject", "keywords", "creator", "producer")
_DATES = (("creation_date", "created"), ("modification_date", "modified"))
_DRAWN = frozenset({"/Link", "/Widget", "/Popup", "/FileAttachment", "/Screen", "/PrinterMark", "/TrapNet"})


def describe(reader: PdfReader) -> tuple[dict[str, JSON], list[str]]:
    """(metadata, warnings). A property that cannot be read is left out; the text is worth more than it."""
    found: dict[str, JSON] = {}
    information = _safe(lambda: reader.metadata)
    for name in _PROPERTIES:
        value = _safe(lambda name=name: getattr(information, name))
        if isinstance(value, (list, tuple)):
            value = ", ".join(map(str, value))
        if isinstance(value, str) and value.strip("\0 \t\r\n"):
            found[name] = " ".join(value.replace("\0", "").split())
    for theirs, ours in _DATES:
        value = _safe(lambda theirs=theirs: getattr(information, theirs))
        if hasattr(value, "isoformat"):
            found[ours] = value.isoformat()
    pages = len(reader.pages)
    found["pages"] = pages
    found["encrypted"] = bool(reader.is_encrypted)
    labels = (
        _safe(lambda: list(reader.page_labels)) if "/PageLabels" in (_safe(lambda: reader.root_object) or {}) else None
    )
    if labels and pages <= MAX_ITEMS and labels != [str(number) for number in range(1, pages + 1)]:
        found["page_labels"] = [str(label) for label in labels]
    names = _safe(lambda: [str(item.name) for item in reader.attachment_list])
    if names:
        found["attachments"] = [name[:200] for name in names[:MAX_ITEMS]]
    return found, [f"attached files were not read: {', '.join(names[:20])}"] if names else []


def _safe(get: Any) -> Any:
    try:
        return get()
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # hostile structures make pypdf raise nearly anything
        return None


def comments(page: PageObject) -> str:
    """Comments, notes and marked remarks of a page, as quotes, with their author."""
    return "\n".join(_safe(lambda: list(_notes(page))) or [])


def _notes(page: PageObject) -> Iterator[str]:
    found = page.get("/Annots")
    for reference in list(found.get_object() if found is not None else [])[:MAX_ITEMS]:
        note = _safe(lambda reference=reference: reference.get_object())
        if not hasattr(note, "get") or note.get("/Subtype") in _DRAWN:
            continue
        text = _safe(lambda note=note: str(note.get("/Contents") or "").strip())
        if text:
            author = _safe(lambda note=note: str(note.get("/T") or "").strip())
            body = " ".join(text.split())
            yield f"> Comment ({author}): {body}" if author else f"> Comment: {body}"


def form_fields(reader: PdfReader) -> str:
    """Form fields that are filled in, a line each: what people type stands in no page's own text."""
    if "/AcroForm" not in (_safe(lambda: reader.root_object) or {}):
        return ""
    fields = _safe(reader.get_fields) or {}
    lines = []
    for name, item in list(fields.items())[:MAX_ITEMS]:
        value = _safe(lambda item=item: item.value)
        if isinstance(value, (str, int, float)) and str(value).strip() not in ("", "/Off"):
            lines.append(f"- {name}: {' '.join(str(value).removeprefix('/').split())}")
    return "Form fields:\n\n" + "\n".join(lines) if lines else ""


def outline(reader: PdfReader, text: str, pages: Sequence[Page]) -> list[Heading]:
    """Bookmarks as headings, at their title in the page's text, or where their page begins."""
    if "/Outlines" not in (_safe(lambda: reader.root_object) or {}):
        return []
    entries = _safe(lambda: reader.outline) or []
    found: list[Heading] = []
    for level, entry in _flat(entries, 1):
        number = _safe(lambda entry=entry: reader.get_destination_page_number(entry))
        title = " ".join(str(_safe(lambda entry=entry: entry.title) or "").split())[:MAX_TITLE]
        if title and isinstance(number, int) and 0 <= number < len(pages):
            after = found[-1].start + 1 if found else 0
            found.append(Heading(min(level, 6), title, _place(title, text, pages[number], after)))
    # An outline out of the order of the pages would make sections that overlap.
    return (
        found
        if all(a.start <= b.start for a, b in pairwise(found))
        else sorted(found, key=lambda heading: heading.start)
    )


def _flat(entries: Any, level: int) -> Iterator[tuple[int, Any]]:
    for entry in list(entries)[:MAX_ITEMS]:
        if isinstance(entry, list):
            if level < 30:
                yield from _flat(entry, level + 1)
        else:
            yield level, entry


def _place(title: str, text: str, page: Page, after: int) -> int:
    words = r"\s+".join(re.escape(word) for word in title.split())
    pattern = re.compile(words, re.IGNORECASE)
    match = pattern.search(text, max(page.start, after), page.end) or pattern.search(text, page.start, page.end)
    return match.start() if match else max(page.start, min(after, page.end))
