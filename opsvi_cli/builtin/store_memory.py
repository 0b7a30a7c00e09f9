"""The store `memory`: collections that live as long as the process. For tests, and for a look without a trace.

Everything is plain Python and numpy, so it also says what the other stores must answer: filters are `sdk.matches`,
vectors are compared one by one, words are scored by BM25 (Robertson, Zaragoza, 2009; k1 1.2, b 0.75).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone

import numpy as np

from opsvi_cli.builtin.store_checks import check_batch, query_row
from opsvi_cli.sdk import (
    Chunk,
    CollectionInfo,
    DocumentRecord,
    DocumentWrite,
    Filter,
    Finding,
    NotFoundError,
    Scored,
    Services,
    StoreError,
    UsageError,
    Vectors,
    matches,
)

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
_K1, _B = 1.2, 0.75


@dataclass
class _Collection:
    info: CollectionInfo
    documents: dict[str, DocumentWrite] = field(default_factory=dict)


_COLLECTIONS: dict[str, dict[str, _Collection]] = {}
"""By data directory and name: a backend is made anew for each use, its collections are not."""


class MemoryBackend:
    def __init__(self, services: Services) -> None:
        self._mine = _COLLECTIONS.setdefault(str(services.data_dir), {})

    def open(
        self, name: str, create: Callable[[], CollectionInfo] | None = None, *, write: bool = False
    ) -> MemoryStore:
        if name not in self._mine:
            if create is None:
                raise self._missing(name)
            self._mine[name] = _Collection(replace(create(), name=name))
        return MemoryStore(self._mine[name], write=write)

    def names(self) -> list[str]:
        return sorted(self._mine)

    def delete(self, name: str) -> None:
        if self._mine.pop(name, None) is None:
            raise self._missing(name)

    def rename(self, name: str, new: str) -> None:
        if name not in self._mine:
            raise self._missing(name)
        if new in self._mine:
            raise UsageError(f"there is already a collection {new!r}", hint=f"opsvi collections delete {new}")
        collection = self._mine.pop(name)
        collection.info = replace(collection.info, name=new)
        self._mine[new] = collection

    def _missing(self, name: str) -> NotFoundError:
        return NotFoundError(f"there is no collection {name!r}", hint="opsvi collections list")


class MemoryStore:
    capabilities = frozenset({"keyword", "filter", "vectors"})

    def __init__(self, collection: _Collection, *, write: bool) -> None:
        self._collection = collection
        self._write = write

    @property
    def info(self) -> CollectionInfo:
        return self._collection.info

    def write(self, batch: Sequence[DocumentWrite], remove: Sequence[str] = ()) -> None:
        self._may_write()
        after = {id_: item for id_, item in self._collection.documents.items() if id_ not in set(remove)}
        check_batch(batch, self.info.dimension)
        for item in batch:
            # float16 as in the store `local`: the same scores whichever keeps the vectors
            vectors = np.asarray(item.vectors, dtype=np.float16).astype(np.float32)
            after[item.record.id] = replace(item, chunks=tuple(item.chunks), vectors=vectors)
        ids = [chunk.id for item in after.values() for chunk in item.chunks]
        if len(ids) != len(set(ids)):
            raise StoreError("two chunks have the same id", hint="a chunker or plugin is at fault: opsvi plugins list")
        if batch or remove:
            self._commit(after)

    def remove(self, document_ids: Sequence[str]) -> int:
        self._may_write()
        gone = set(document_ids) & self._collection.documents.keys()
        if gone:
            self._commit({id_: item for id_, item in self._collection.documents.items() if id_ not in gone})
        return len(gone)

    def _commit(self, documents: dict[str, DocumentWrite]) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._collection.documents = documents
        self._collection.info = replace(self._collection.info, updated=now)

    def _may_write(self) -> None:
        if not self._write:
            raise StoreError(f"collection {self.info.name!r} is open for reading only", hint="open it for writing")

    def _matching(self, where: Filter | None) -> list[DocumentWrite]:
        found = [item for item in self._collection.documents.values() if matches(where, item.record.fields())]
        return sorted(found, key=lambda item: (item.record.source, item.record.part, item.record.id))

    def documents(self, where: Filter | None = None) -> Iterator[DocumentRecord]:
        return (item.record for item in self._matching(where))

    def document_text(self, document_id: str) -> str:
        if document_id not in self._collection.documents:
            raise NotFoundError(
                f"there is no document {document_id!r} in collection {self.info.name!r}",
                hint=f"opsvi collections documents {self.info.name}",
            )
        return self._collection.documents[document_id].text

    def chunks(self, chunk_ids: Sequence[str]) -> list[tuple[Chunk, DocumentRecord]]:
        found = {
            chunk.id: (chunk, item.record) for item in self._collection.documents.values() for chunk in item.chunks
        }
        return [found[id_] for id_ in chunk_ids if id_ in found]

    def search(self, vector: Vectors, k: int, where: Filter | None = None) -> list[Scored]:
        wanted = query_row(vector, self.info)
        scored: list[Scored] = []
        for item in self._matching(where):
            scores = np.round((item.vectors @ wanted).astype(np.float64), 6).tolist()
            scored.extend(Scored(chunk.id, score) for chunk, score in zip(item.chunks, scores, strict=True))
        return _best(scored, k)

    def keyword_search(self, text: str, k: int, where: Filter | None = None) -> list[Scored]:
        wanted = Counter(_words(text))
        counts = {
            chunk.id: Counter(_words(chunk.indexed_text(item.record.title)))
            for item in self._collection.documents.values()
            for chunk in item.chunks
        }
        if not wanted or not counts:
            return []
        mean = sum(map(Counter.total, counts.values())) / len(counts) or 1.0
        allowed = {chunk.id for item in self._matching(where) for chunk in item.chunks}
        scores: Counter[str] = Counter()
        for word, times in wanted.items():
            holding = [id_ for id_, count in counts.items() if count[word]]
            rarity = math.log(1 + (len(counts) - len(holding) + 0.5) / (len(holding) + 0.5))
            for id_ in holding:
                count, length = counts[id_][word], counts[id_].total()
                share = count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * length / mean))
                scores[id_] += times * rarity * share  # type: ignore[assignment]
        return _best([Scored(id_, round(float(score), 6)) for id_, score in scores.items() if id_ in allowed], k)

    def scroll(self) -> Iterator[DocumentWrite]:
        return iter(self._matching(None))

    def count(self) -> tuple[int, int]:
        documents = self._collection.documents.values()
        return len(documents), sum(len(item.chunks) for item in documents)

    def check(self) -> list[Finding]:
        return [
            Finding("document", f"{item.record.id}: {item.record.chunks} chunks expected, {len(item.chunks)} found")
            for item in self._collection.documents.values()
            if item.record.chunks != len(item.chunks)
        ]

    def close(self) -> None:
        """Nothing is held open."""


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _best(scored: Sequence[Scored], k: int) -> list[Scored]:
    return sorted(scored, key=lambda item: (-item.score, item.chunk_id))[: max(k, 0)]
