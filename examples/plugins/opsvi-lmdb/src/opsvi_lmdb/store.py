"""One open collection. Every change is one LMDB transaction: on the disk when it returns, or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from opsvi_cli.sdk import (
    Chunk,
    CollectionInfo,
    DocumentRecord,
    DocumentWrite,
    Filter,
    Finding,
    NotFoundError,
    Scored,
    StoreError,
    Vectors,
    matches,
)

from .records import check_batch, dump, key, prefix, read_document, read_vectors
from .transactions import reading, writing


class LmdbStore:
    """Filters are `sdk.matches` over the records, vectors are compared one by one."""

    capabilities = frozenset({"filter", "vectors"})

    def __init__(self, environment: Any, number: int, name: str, *, write: bool, close: Callable[[], None]) -> None:
        self._environment = environment
        self._number = number
        self._name = name
        self._write = write
        self._close = close

    @property
    def info(self) -> CollectionInfo:
        """As it is now: another process may have written."""
        with reading(self._environment) as reader:
            return self._info(reader)

    def _info(self, transaction: Any) -> CollectionInfo:
        entry = transaction.get(key(b"c", None, self._name))
        found = json.loads(entry) if entry else {}
        if found.get("number") != self._number:
            raise StoreError("the collection was deleted or renamed meanwhile", hint="opsvi collections list")
        return CollectionInfo(**found["info"])

    def write(self, batch: Sequence[DocumentWrite], remove: Sequence[str] = ()) -> None:
        """Replace documents and remove others in one commit. Raises StoreError."""
        self._may_write()
        check_batch(batch, self.info.dimension)
        with writing(self._environment) as change:
            for id_ in remove:
                self._drop(change, id_)
            for item in batch:
                self._drop(change, item.record.id)
                self._put(change, item)
            if batch or remove:
                self._touch(change)

    def remove(self, document_ids: Sequence[str]) -> int:
        """How many of them were there."""
        self._may_write()
        with writing(self._environment) as change:
            gone = sum(self._drop(change, id_) for id_ in document_ids)
            if gone:
                self._touch(change)
        return gone

    def _may_write(self) -> None:
        if not self._write:
            raise StoreError(f"collection {self._name!r} is open for reading only", hint="open it for writing")

    def documents(self, where: Filter | None = None) -> Iterator[DocumentRecord]:
        """Those that match, ordered by source, part and id."""
        return (record for record, _text, _chunks in self._matching(where))

    def document_text(self, document_id: str) -> str:
        """Raises NotFoundError."""
        with reading(self._environment) as reader:
            entry = reader.get(self._key(b"d", document_id))
        if entry is None:
            raise NotFoundError(f"there is no document {document_id!r}", hint="opsvi collections documents")
        return str(json.loads(entry)["text"])

    def chunks(self, chunk_ids: Sequence[str]) -> list[tuple[Chunk, DocumentRecord]]:
        """In the order asked for, each with its document."""
        found = []
        with reading(self._environment) as reader:
            for id_ in chunk_ids:
                place = reader.get(self._key(b"k", id_))
                if place is not None:
                    record, _text, chunks = read_document(reader.get(place))
                    found.append((next(chunk for chunk in chunks if chunk.id == id_), record))
        return found

    def search(self, vector: Vectors, k: int, where: Filter | None = None) -> list[Scored]:
        """The k nearest by cosine; equal scores in the order of chunk ids."""
        wanted = np.asarray(vector, dtype=np.float32).reshape(-1)
        info = self.info
        if wanted.size != info.dimension:
            raise StoreError(
                f"a vector of {wanted.size} numbers cannot search one of {info.dimension}",
                hint="use the collection's own embedder",
            )
        scored = []
        for record, _text, chunks in self._matching(where):
            vectors = self._vectors(record, len(chunks), info.dimension)
            scores = np.round(vectors @ wanted, 6).tolist()
            scored += [Scored(chunk.id, score) for chunk, score in zip(chunks, scores, strict=True)]
        return sorted(scored, key=lambda item: (-item.score, item.chunk_id))[: max(k, 0)]

    def keyword_search(self, text: str, k: int, where: Filter | None = None) -> list[Scored]:
        """Not among the capabilities: opsvi does not ask. Raises StoreError."""
        raise StoreError("this store has no keyword search", hint="--mode dense")

    def scroll(self) -> Iterator[DocumentWrite]:
        """Every document with its chunks and vectors."""
        dimension = self.info.dimension
        for record, text, chunks in self._matching(None):
            yield DocumentWrite(record, text, chunks, self._vectors(record, len(chunks), dimension))

    def count(self) -> tuple[int, int]:
        """(documents, chunks)."""
        rows = [len(chunks) for _record, _text, chunks in self._matching(None)]
        return len(rows), sum(rows)

    def check(self) -> list[Finding]:
        """Each document has its chunks, its vectors, and is found by the ids of its chunks."""
        found = []
        dimension = self.info.dimension
        for record, _text, chunks in self._matching(None):
            if len(chunks) != record.chunks:
                found.append(Finding("document", f"{record.id}: {len(chunks)} of {record.chunks} chunks"))
            try:
                self._vectors(record, len(chunks), dimension)
            except StoreError:
                found.append(Finding("vectors", f"{record.id}: a vector is missing or of another size"))
            lost = [chunk.id for chunk in chunks if not self.chunks([chunk.id])]
            if lost:
                found.append(Finding("index", f"{record.id}: chunk {lost[0]} is not found by its id"))
        return found

    def close(self) -> None:
        """May be called twice."""
        self._close()

    def _key(self, kind: bytes, name: str) -> bytes:
        return key(kind, self._number, name)

    def _matching(self, where: Filter | None) -> list[tuple[DocumentRecord, str, list[Chunk]]]:
        """What matches, as it stood at one moment, ordered by source, part and id."""
        found = []
        start = prefix(b"d", self._number)
        with reading(self._environment) as reader:
            cursor = reader.cursor()
            if cursor.set_range(start):
                for entry, value in cursor:
                    if not entry.startswith(start):
                        break
                    document = read_document(value)
                    if matches(where, document[0].fields()):
                        found.append(document)
        return sorted(found, key=lambda item: (item[0].source, item[0].part, item[0].id))

    def _vectors(self, record: DocumentRecord, rows: int, dimension: int) -> Vectors:
        with reading(self._environment) as reader:
            value = reader.get(self._key(b"v", record.id))
        return read_vectors(value or b"", rows, dimension)

    def _put(self, change: Any, item: DocumentWrite) -> None:
        place = self._key(b"d", item.record.id)
        for chunk in item.chunks:
            other = change.get(self._key(b"k", chunk.id))
            if other is not None:
                raise StoreError("two chunks have the same id", hint="a chunker is at fault: opsvi plugins list")
            change.put(self._key(b"k", chunk.id), place)
        change.put(place, dump({"record": item.record, "text": item.text, "chunks": list(item.chunks)}))
        change.put(self._key(b"v", item.record.id), np.asarray(item.vectors, dtype="<f4").tobytes())

    def _drop(self, change: Any, document_id: str) -> bool:
        place = self._key(b"d", document_id)
        entry = change.get(place)
        if entry is None:
            return False
        for chunk in read_document(entry)[2]:
            change.delete(self._key(b"k", chunk.id))
        change.delete(self._key(b"v", document_id))
        change.delete(place)
        return True

    def _touch(self, change: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        info = replace(self._info(change), updated=now)
        change.put(key(b"c", None, self._name), dump({"number": self._number, "info": info}))
