"""From a document to its chunks: the chunker's spans, checked, with ids, pages and headings."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from opsvi_cli.errors import DocumentError
from opsvi_cli.sdk import JSON, Chunk, Chunker, Document

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


def load_chunker(app: AppContext, name: str, options: Mapping[str, JSON]) -> Chunker:
    """The chunker registered as `name`. Raises UsageError for an unknown name or an option that makes no sense."""
    return cast(Chunker, app.part("chunker", name, options))


def chunk_options(app: AppContext, size: int | None, overlap: int | None) -> dict[str, JSON]:
    """`size` and `overlap` in characters, from flags, else from the settings; an own size scales the overlap."""
    settings = app.settings.chunking
    if overlap is None:
        overlap = settings.overlap if size is None else min(settings.overlap, size * 15 // 100)
    return {"size": settings.size if size is None else size, "overlap": overlap}


def cut(
    app: AppContext, chunker: Chunker, document: Document, *, document_id: str, content_hash: str, embedder: str
) -> list[Chunk]:
    """The chunks of a document, as plugins leave them (`opsvi_chunks`), numbered from 0.

    `embedder` is a fingerprint. Raises DocumentError when the chunker gives spans that are not in the text.
    """
    text = document.text
    page_at, section_at = _pages(document), _sections(document)
    made: list[Chunk] = []
    before = 0
    for start, end in chunker.spans(document):
        if not before <= start < end <= len(text):
            raise DocumentError(
                f"chunker {chunker.fingerprint} gave the span {start}..{end} of a text of {len(text)} characters",
                hint="use another with --chunker",
            )
        before = start
        if text[start:end].strip():
            made.append(Chunk("", document_id, text[start:end], start, end, 0, page_at(start), section_at(start)))
    kept = app.plugins.chunks(made, document)
    return [
        _numbered(chunk, n, document_id, content_hash, chunker.fingerprint, embedder) for n, chunk in enumerate(kept)
    ]


def _numbered(chunk: Chunk, position: int, document_id: str, content_hash: str, chunker: str, embedder: str) -> Chunk:
    key = "\0".join((document_id, content_hash, str(position), chunker, embedder))
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return Chunk(digest, document_id, chunk.text, chunk.start, chunk.end, position, chunk.page, chunk.section)


def _pages(document: Document) -> Callable[[int], int | None]:
    """`Document.page_at`, without a walk over all pages for every chunk."""
    starts = [page.start for page in document.pages]

    def page_at(offset: int) -> int | None:
        place = bisect_right(starts, offset) - 1
        return document.pages[place].number if place >= 0 else None

    return page_at


def _sections(document: Document) -> Callable[[int], tuple[str, ...]]:
    """`Document.section_at` for offsets that only grow."""
    waiting = sorted(document.sections, key=lambda section: (section.start, section.level), reverse=True)
    above: list[tuple[int, tuple[str, ...]]] = []

    def section_at(offset: int) -> tuple[str, ...]:
        while waiting and waiting[-1].start <= offset:
            section = waiting.pop()
            above.append((section.end, section.path))
        while above and above[-1][0] <= offset:
            above.pop()
        return above[-1][1] if above else ()

    return section_at
