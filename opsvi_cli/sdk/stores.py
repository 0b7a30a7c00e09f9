"""What a vector store holds and can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from .documents import JSON, Chunk, Metadata
from .filters import Filter

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Vectors: TypeAlias = "numpy.typing.NDArray[numpy.float32]"
else:
    Vectors = object


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """The manifest of a collection: fixed when it is made, checked whenever it is opened for writing.

    `created` and `updated` are ISO-8601 in UTC, ending in Z.
    """

    name: str
    store: str
    dimension: int
    embedder: str
    """Fingerprint of the embedder: vectors of different fingerprints are never mixed."""
    chunker: str
    fusion_weight: float
    """Weight of the dense score in the convex fusion, 0..1."""
    created: str
    updated: str
    metric: str = "cosine"
    settings: Mapping[str, JSON] = field(default_factory=dict)
    """How it was made: embedder and chunker names and options, so that a re-run does the same."""


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document as the store keeps it; `content_hash` and `fingerprint` decide whether it is unchanged."""

    id: str
    source: str
    part: str
    title: str
    media_type: str
    content_hash: str
    """SHA-256 of the source's bytes, hex."""
    fingerprint: str
    """Processor, chunker and embedder that made its chunks."""
    characters: int
    chunks: int
    ingested: str
    metadata: Metadata = field(default_factory=dict)

    def fields(self) -> dict[str, JSON]:
        """What a filter sees: metadata, and the record's own fields under their names."""
        own: dict[str, JSON] = {
            "document_id": self.id,
            "source": self.source,
            "title": self.title,
            "media_type": self.media_type,
            "ingested": self.ingested,
        }
        return {**own, **self.metadata, "source": self.source, "document_id": self.id}


@dataclass(frozen=True, slots=True)
class DocumentWrite:
    """A document with its chunks and their vectors (`len(chunks)` rows), ready to be stored."""

    record: DocumentRecord
    text: str
    chunks: Sequence[Chunk]
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class Scored:
    chunk_id: str
    score: float


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `check` found wrong."""

    what: str
    detail: str


class Store(Protocol):
    """One open collection. Higher score is better; ties are ordered by chunk id.

    `write`, `remove` are durable and all-or-nothing when they return. Errors: `StoreError`.
    """

    capabilities: frozenset[str]
    """Of `keyword`, `filter`, `vectors`: what the engine does itself."""

    @property
    def info(self) -> CollectionInfo: ...

    def write(self, batch: Sequence[DocumentWrite], remove: Sequence[str] = ()) -> None:
        """Replace each document's chunks and remove the documents named in `remove`, in one commit."""

    def remove(self, document_ids: Sequence[str]) -> int:
        """Remove documents and their chunks; ids that are not there are fine. Returns how many went."""

    def documents(self, where: Filter | None = None) -> Iterator[DocumentRecord]:
        """All documents, ordered by source, part and id."""

    def document_text(self, document_id: str) -> str:
        """The whole extracted text: chunk offsets point into it."""

    def chunks(self, chunk_ids: Sequence[str]) -> list[tuple[Chunk, DocumentRecord]]:
        """In the order asked for; missing ones are left out."""

    def search(self, vector: Vectors, k: int, where: Filter | None = None) -> list[Scored]:
        """The k nearest chunks by cosine similarity (-1..1). `vector` is one row, L2-normalised."""

    def keyword_search(self, text: str, k: int, where: Filter | None = None) -> list[Scored]:
        """The k best chunks by BM25; only where `keyword` is a capability."""

    def scroll(self) -> Iterator[DocumentWrite]:
        """Everything the collection holds, a document at a time, for export and migration."""

    def count(self) -> tuple[int, int]:
        """(documents, chunks)."""

    def check(self) -> list[Finding]:
        """Prove integrity: checksums, counts, index against truth. Empty when sound."""

    def close(self) -> None: ...


class StoreBackend(Protocol):
    """A kind of store: opens, lists and deletes collections under a location."""

    def open(self, name: str, create: Callable[[], CollectionInfo] | None = None, *, write: bool = False) -> Store:
        """Open a collection. Not there: made from `create()` when given, else `NotFoundError`."""

    def names(self) -> list[str]: ...

    def delete(self, name: str) -> None: ...

    def rename(self, name: str, new: str) -> None: ...
