"""PDF: text page by page with pypdf, with PDFium where pypdf fails or finds next to nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsvi_cli.sdk import JSON, Document, DocumentError, Page, Services, Source

from .headings import sections
from .pdf_metadata import comments, describe, form_fields, outline
from .pdf_pdfium import Pdfium
from .pdf_text import clean_pages
from .quiet import quiet

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

FEW_CHARACTERS = 20
"""Fewer non-blank characters on a page that draws text: pypdf cannot read its fonts."""
MANY_PAGES = 1000
"""From here on PDFium goes first: it is ten times faster, and pypdf would use up the time of the document."""
MAX_FORMS = 2000
"""Form XObjects drawn on one page, counted through all nesting. PDFium has no limit of its own."""


@dataclass
class _Reading:
    pages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    blank_scans: list[int] = field(default_factory=list)


class Pdf:
    """Reads PDF documents. Comments and filled-in form fields become part of the text."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def read(self, source: Source) -> Iterator[Document]:
        """Yields one document. Raises DocumentError: damaged, password needed, no text layer."""
        quiet("pypdf", "pypdfium2")
        pdfium = Pdfium(source)
        reader = _open(source)
        if reader is None:
            yield _document(source, _with_pdfium(pdfium), pdfium.metadata())
            return
        reading = _read_pages(reader, pdfium)
        metadata, warnings = describe(reader)
        reading.warnings += warnings
        yield _document(source, reading, metadata, reader)


def _open(source: Source) -> PdfReader | None:
    """None when pypdf cannot open the file, which then is PDFium's. Raises DocumentError for a wrong password."""
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    data = source.data
    if b"startxref" not in data[-2048:]:  # cut short: with an end of its own pypdf looks for the objects itself
        data += b"\nstartxref\n0\n%%EOF\n"
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(source.password or ""):
            raise password_needed(source)
        return reader if len(reader.pages) else None
    except DocumentError:
        raise
    except DependencyError:  # AES, which pypdf decrypts with another library only
        return None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  # a damaged file makes pypdf raise nearly anything
        return None


def password_needed(source: Source) -> DocumentError:
    what = "the password given for it is wrong" if source.password else "it is encrypted and needs a password"
    return DocumentError(f"{source.name}: {what}", hint="put the password in a file and give --password-file FILE")


def _read_pages(reader: PdfReader, pdfium: Pdfium) -> _Reading:
    reading = _Reading()
    quick = len(reader.pages) > MANY_PAGES
    for number, page in enumerate(reader.pages, 1):
        text, problem = ("", "") if quick else _pypdf_text(page)
        if letters(text) < FEW_CHARACTERS and "limit" not in problem.lower() and _draws_text(page):
            other = pdfium.page_text(number)
            text = other if letters(other) > letters(text) else text
        if not text and problem:
            reading.failed.append(number)
            reading.warnings.append(f"page {number} cannot be read: {problem}")
        elif not letters(text) and _has_image(page):
            reading.blank_scans.append(number)
        notes = comments(page)
        reading.pages.append(f"{text}\n\n{notes}" if notes else text)
    if fields := form_fields(reader):
        reading.pages[-1] += f"\n\n{fields}"
    return reading


def _with_pdfium(pdfium: Pdfium) -> _Reading:
    return _Reading(pages=[pdfium.page_text(number) for number in range(1, pdfium.page_count() + 1)])


def letters(text: str) -> int:
    return sum(map(len, text.split()))


def _pypdf_text(page: PageObject) -> tuple[str, str]:
    """(text, what went wrong)."""
    try:
        return page.extract_text(), ""
    except MemoryError:
        raise
    except RecursionError:
        return "", "its content is nested too deeply"
    except Exception as error:  # noqa: BLE001  # see _open
        return "", (str(error).splitlines() or [type(error).__name__])[0][:200]


def _draws_text(page: PageObject) -> bool:
    """Whether PDFium may find more: there are fonts, and no forms that draw each other without end."""
    try:
        resources = _resources(page)
        if resources is None:
            return False
        budget = [MAX_FORMS]
        fonts = bool(resources.get("/Font"))
        return _forms(resources, frozenset(), budget) or (fonts and budget[0] > 0)
    except Exception:  # noqa: BLE001  # see _open
        return False


def _resources(page: PageObject) -> dict[str, object] | None:
    found = page.get("/Resources")
    return found.get_object() if found is not None else None


def _forms(resources: dict[str, object], above: frozenset[int], budget: list[int]) -> bool:
    """Whether a form below has fonts; `budget` is used up by a cycle, or by too many forms."""
    objects = resources.get("/XObject")
    found = False
    for reference in (objects.get_object() if objects is not None else {}).values():  # type: ignore[attr-defined]
        form = reference.get_object()
        if form.get("/Subtype") != "/Form":
            continue
        budget[0] -= 1
        if budget[0] <= 0 or id(form) in above:
            budget[0] = 0
            return False
        inner = form.get("/Resources")
        inner = inner.get_object() if inner is not None else resources
        found = _forms(inner, above | {id(form)}, budget) or bool(inner.get("/Font")) or found
        if budget[0] <= 0:
            return False
    return found


def _has_image(page: PageObject) -> bool:
    try:
        objects = (_resources(page) or {}).get("/XObject")
        items = objects.get_object().values() if objects is not None else []  # type: ignore[attr-defined]
        return any(item.get_object().get("/Subtype") == "/Image" for item in items)
    except Exception:  # noqa: BLE001  # see _open
        return False


def _document(
    source: Source, reading: _Reading, metadata: dict[str, JSON], reader: PdfReader | None = None
) -> Document:
    if not any(letters(page) for page in reading.pages):
        if reading.failed:
            raise DocumentError(f"{source.name}: {reading.warnings[0]}", hint="the file is damaged, or made to do harm")
        raise DocumentError(
            f"{source.name} has no text layer: it holds pictures of pages",
            hint="recognise its text first, for instance with `ocrmypdf`",
        )
    if reading.blank_scans:
        listed = ", ".join(map(str, reading.blank_scans[:20])) + (" ..." if len(reading.blank_scans) > 20 else "")
        reading.warnings.append(f"pages without a text layer: {listed}")
    bodies = clean_pages(reading.pages)
    pages: list[Page] = []
    start = 0
    for number, body in enumerate(bodies, 1):
        end = start + len(body) + (2 if number < len(bodies) else 0)
        pages.append(Page(number, start, end))
        start = end
    text = "\n\n".join(bodies)
    found = outline(reader, text, pages) if reader is not None else []
    title = metadata.get("title")
    return Document(
        text,
        title=title if isinstance(title, str) else "",
        media_type="application/pdf",
        metadata={**metadata, "has_text_layer": True},
        pages=tuple(pages),
        sections=sections(found, len(text)),
        warnings=tuple(reading.warnings),
    )
