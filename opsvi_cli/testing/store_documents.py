"""Collections and documents to try a store with: small, the same at every run, with vectors made from their text."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from opsvi_cli.sdk import JSON, Chunk, CollectionInfo, DocumentRecord, DocumentWrite, Store, StoreBackend, Vectors

DIMENSION = 8
NOTES, PAPERS, OTHER = "contract-notes", "contract-papers", "contract-other"
"""The collections that the suite makes. It removes them, and touches no other."""


def manifest(name: str = NOTES, dimension: int = DIMENSION) -> CollectionInfo:
    """What `create` gives for a new collection."""
    now = "2026-01-01T00:00:00.000Z"
    return CollectionInfo(name, "test", dimension, "fake-1", "fake-1", 0.4, now, now, settings={"embedder": "fake"})


def document(
    id_: str,
    text: str,
    *,
    size: int = 20,
    dimension: int = DIMENSION,
    title: str = "",
    source: str = "",
    part: str = "",
    section: tuple[str, ...] = (),
    metadata: Mapping[str, JSON] | None = None,
) -> DocumentWrite:
    """A document cut into chunks of `size` characters, each with a row of length 1 that follows from its text."""
    import numpy as np

    chunks = [
        Chunk(f"{id_}.{n}", id_, text[at : at + size], at, min(at + size, len(text)), n, page=n + 1, section=section)
        for n, at in enumerate(range(0, len(text), size))
    ]
    rows = []
    for chunk in chunks:
        seed = int.from_bytes(hashlib.sha256(chunk.text.encode("utf-8", "surrogatepass")).digest()[:4], "little")
        row = np.random.default_rng(seed).normal(size=dimension)
        rows.append(row / np.linalg.norm(row))
    record = DocumentRecord(
        id=id_,
        source=source or f"/docs/{id_}.txt",
        part=part,
        title=title,
        media_type="text/plain",
        content_hash=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        fingerprint="f",
        characters=len(text),
        chunks=len(chunks),
        ingested="2026-01-02T00:00:00.000Z",
        metadata=metadata or {},
    )
    vectors = np.asarray(rows, dtype=np.float32).reshape(len(chunks), dimension)
    return DocumentWrite(record, text, chunks, vectors)


def three_documents() -> list[DocumentWrite]:
    """`a` with metadata, `b` with a title, `c` with headings: 3 + 2 + 3 chunks."""
    return [
        document("a", "The disk is full. Free some space on the volume.", metadata={"year": 2024, "team": "ops"}),
        document("b", "Backups run every night at two.", title="Backup policy", metadata={"year": 2023}),
        document("c", "Call the person on duty, then write the report.", section=("Duty", "Calls")),
    ]


@contextlib.contextmanager
def opened(backend: StoreBackend, name: str = NOTES, **options: Any) -> Iterator[Store]:
    """An open collection, closed at the end of the block."""
    with contextlib.closing(backend.open(name, **options)) as store:
        yield store


def fill(backend: StoreBackend) -> None:
    """Make the collection `NOTES` with the three documents."""
    with opened(backend, create=manifest, write=True) as store:
        store.write(three_documents())


def first_axis(dimension: int = DIMENSION) -> Vectors:
    """A query vector: 1, 0, 0, ..."""
    import numpy as np

    axis: Vectors = np.zeros(dimension, dtype=np.float32)
    axis[0] = 1
    return axis
