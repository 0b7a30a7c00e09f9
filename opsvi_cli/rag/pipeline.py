"""The second half of an ingest: documents are cut, embedded together and committed in batches.

A source is replaced whole, in one commit: its new documents in, those it no longer holds out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsvi_cli.errors import DocumentError
from opsvi_cli.sdk import (
    JSON,
    Chunk,
    Chunker,
    Document,
    DocumentRecord,
    DocumentWrite,
    Embedder,
    Source,
    Store,
)

from .chunking import chunk_options, cut, load_chunker
from .collections import CollectionSpec, collection_embedder, create_or_open, find_store, open_collection
from .embedding import embed_texts, load_embedder
from .extraction import document_id
from .known import Known, pipeline_fingerprint
from .report import Entry

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

MAX_DOCUMENTS = 64
MAX_CHUNKS = 2000


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """Where documents go. None: as the collection was made; for a new one, as the settings say."""

    collection: str
    embedder: str | None = None
    chunker: str | None = None
    store: str | None = None
    size: int | None = None
    overlap: int | None = None


class Target:
    """The collection of a run. It is made when the first documents are ready to be stored."""

    def __init__(self, app: AppContext, options: TargetOptions, *, write: bool) -> None:
        self._app, self._options = app, options
        self.store: Store | None = None
        if find_store(app, options.collection) is not None:
            self.store = self._open(write)
        self.existed = self.store is not None
        self._embedder: Embedder | None = None
        self._chunker_name, self._chunker_options = self._chunking()
        self.chunker: Chunker = load_chunker(app, self._chunker_name, self._chunker_options)

    def _open(self, write: bool) -> Store:
        """Raises StoreError when the flags ask for another embedder or store than the collection has."""
        name, asked = self._options.collection, self._options
        store = open_collection(self._app, name, write=write)
        own = store.info.settings.get("embedder")
        if asked.embedder in (None, own) and asked.store in (None, store.info.store):
            return store
        store.close()
        return create_or_open(self._app, name, CollectionSpec(embedder=asked.embedder, store=asked.store))

    def _chunking(self) -> tuple[str, dict[str, JSON]]:
        asked = self._options
        wanted = chunk_options(self._app, asked.size, asked.overlap)
        if self.store is None:
            return asked.chunker or self._app.settings.chunker, wanted
        own, made_with = self.store.info.settings.get("chunker"), self.store.info.settings.get("chunker_options")
        name = asked.chunker or (own if isinstance(own, str) else self._app.settings.chunker)
        kept = dict(made_with) if isinstance(made_with, dict) and name == own else {}
        if asked.size is not None:
            kept = {}
        elif asked.overlap is not None:
            kept["overlap"] = asked.overlap
        return name, {**wanted, **kept}

    @property
    def embedder(self) -> Embedder:
        """Loaded when the first document has to be stored, and not before."""
        if self._embedder is None:
            if self.store is not None:
                self._embedder = collection_embedder(self._app, self.store.info)
            else:
                self._embedder = load_embedder(self._app, self._options.embedder or self._app.settings.embedder)
        return self._embedder

    def fingerprint(self, processor: str, meta: Mapping[str, JSON]) -> str:
        embedder = self.store.info.embedder if self.store is not None else self.embedder.fingerprint
        safety = self._app.settings.safety
        if safety.pii in ("redact", "block"):  # so that what was stored without it is read again
            processor = f"{processor} pii={safety.pii} {' '.join(safety.pii_kinds)}".rstrip()
        return pipeline_fingerprint(processor, self.chunker.fingerprint, embedder, meta)

    def opened(self) -> Store:
        """The collection, made now when it is not there."""
        if self.store is None:
            spec = CollectionSpec(
                embedder=self._options.embedder,
                chunker=self._chunker_name,
                store=self._options.store,
                chunker_options=self._chunker_options,
            )
            self.store = create_or_open(self._app, self._options.collection, spec)
        return self.store

    def close(self) -> None:
        if self.store is not None:
            self.store.close()


@dataclass(frozen=True, slots=True)
class Read:
    """A source that a processor has read. `processor` names which."""

    source: Source
    content_hash: str
    processor: str
    documents: Sequence[Document]


@dataclass
class _Batch:
    ready: list[tuple[DocumentRecord, str, list[Chunk]]] = field(default_factory=list)
    remove: dict[str, Entry] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    chunks: int = 0


class Writer:
    """Collects documents and commits them together; `tell` hears of each once it is committed."""

    def __init__(
        self, app: AppContext, target: Target, known: Known, meta: Mapping[str, JSON], tell: Callable[[Entry], None]
    ) -> None:
        self._app, self._target, self._known, self._meta, self._tell = app, target, known, meta, tell
        self._batch = _Batch()
        self._taken: dict[str, str] = {}
        """Ids of documents of this run, and of which source."""
        self._unchanged: set[str] = set()

    def keep(self, source: str) -> None:
        """This source is unchanged: the ids it gives stay its own."""
        self._unchanged.add(source)

    def add(self, read: Read) -> None:
        """Take in what a source holds now; commits when the batch is full."""
        uri = read.source.uri
        known = self._known.get(uri)
        old = set(known.ids) if known is not None else set()
        try:
            prepared = [self._prepare(read, document, old) for document in read.documents]
        except DocumentError as error:  # what the collection has of it stays
            self._tell(Entry(uri, "failed", reason=error.message))
            return
        for entry, ready in prepared or [(Entry(uri, "skipped", reason="there is no text in it"), None)]:
            if ready is None:
                self._tell(entry)
                continue
            self._batch.ready.append(ready)
            self._batch.remove.pop(ready[0].id, None)
            self._batch.entries.append(entry)
            self._batch.chunks += entry.chunks
        kept = {entry.document_id for entry, _ready in prepared}
        gone = [found for found in known.ids if found not in kept] if known is not None else []
        self.remove(uri, gone, "it is not in its source any more")
        if len(self._batch.ready) >= MAX_DOCUMENTS or self._batch.chunks >= MAX_CHUNKS:
            self.flush()

    def remove(self, source: str, document_ids: Sequence[str], reason: str) -> None:
        """Documents that are gone, with the next commit; not those that another source of this run has taken."""
        for gone in document_ids:
            if gone not in self._taken:
                self._batch.remove[gone] = Entry(source, "removed", gone, reason=reason)

    def _prepare(
        self, read: Read, document: Document, old: set[str]
    ) -> tuple[Entry, tuple[DocumentRecord, str, list[Chunk]] | None]:
        uri = read.source.uri
        found_id = document_id(uri, document)
        if holder := self._holder(found_id, uri):
            where = "twice in this source" if holder == uri else f"in {holder} too"
            return Entry(uri, "failed", reason=f"the id {found_id!r} stands {where}"), None
        embedder = self._target.embedder.fingerprint
        chunks = cut(
            self._app,
            self._target.chunker,
            document,
            document_id=found_id,
            content_hash=read.content_hash,
            embedder=embedder,
        )
        if not chunks:
            part = f" ({document.part})" if document.part else ""
            return Entry(uri, "skipped", reason=f"there is no text in it{part}"), None
        there = found_id in old or (document.id and self._known.owner(found_id) is not None)
        self._taken[found_id] = uri
        record = DocumentRecord(
            id=found_id,
            source=uri,
            part=document.part,
            title=document.title,
            media_type=document.media_type or read.source.media_type,
            content_hash=read.content_hash,
            fingerprint=self._target.fingerprint(read.processor, self._meta),
            characters=len(document.text),
            chunks=len(chunks),
            ingested=self._app.now(),
            metadata={**read.source.metadata, **document.metadata, **self._meta},
        )
        reason = "; ".join(document.warnings)
        entry = Entry(uri, "updated" if there else "added", found_id, len(chunks), reason)
        return entry, (record, document.text, chunks)

    def _holder(self, found_id: str, uri: str) -> str | None:
        """The source of this run that an id belongs to already."""
        if (holder := self._taken.get(found_id)) is not None:
            return holder
        owner = self._known.owner(found_id) if self._unchanged else None
        return owner if owner != uri and owner in self._unchanged else None

    def flush(self) -> None:
        """Embed and commit what was collected. Raises StoreError; what was committed before stays."""
        batch, self._batch = self._batch, _Batch()
        if not (batch.ready or batch.remove):
            return
        texts = [chunk.indexed_text(record.title) for record, _text, chunks in batch.ready for chunk in chunks]
        writes: list[DocumentWrite] = []
        if batch.ready:
            vectors = embed_texts(self._app, self._target.embedder, texts)
            row = 0
            for record, text, chunks in batch.ready:
                writes.append(DocumentWrite(record, text, chunks, vectors[row : row + len(chunks)]))
                row += len(chunks)
        store = self._target.opened()
        if writes:
            store.write(writes, list(batch.remove))
        else:
            store.remove(list(batch.remove))
        for entry in (*batch.entries, *batch.remove.values()):
            self._tell(entry)
