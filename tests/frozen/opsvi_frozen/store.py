"""A store in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

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

_PLACES: dict[str, dict[str, Any]] = {}


class Backend:
    def __init__(self, services: Services) -> None:
        self.mine = _PLACES.setdefault(str(services.data_dir), {})

    def open(self, name: str, create: Callable[[], CollectionInfo] | None = None, *, write: bool = False) -> Store:
        if name not in self.mine:
            if create is None:
                raise NotFoundError(f"there is no collection {name!r}")
            self.mine[name] = {"info": replace(create(), name=name), "documents": {}}
        return Store(self.mine[name], write)

    def names(self) -> list[str]:
        return sorted(self.mine)

    def delete(self, name: str) -> None:
        if name not in self.mine:
            raise NotFoundError(f"there is no collection {name!r}")
        del self.mine[name]

    def rename(self, name: str, new: str) -> None:
        if name not in self.mine:
            raise NotFoundError(f"there is no collection {name!r}")
        if new in self.mine:
            raise UsageError(f"there is a collection {new!r}")
        held = self.mine.pop(name)
        held["info"] = replace(held["info"], name=new)
        self.mine[new] = held


class Store:
    capabilities = frozenset({"filter", "vectors"})

    def __init__(self, held: dict[str, Any], write: bool) -> None:
        self.held, self.writable = held, write

    @property
    def info(self) -> CollectionInfo:
        return self.held["info"]

    def _all(self, where: Filter | None = None) -> list[DocumentWrite]:
        found = [item for item in self.held["documents"].values() if matches(where, item.record.fields())]
        return sorted(found, key=lambda item: (item.record.source, item.record.part, item.record.id))

    def _change(self, documents: dict[str, DocumentWrite]) -> None:
        if not self.writable:
            raise StoreError("it is open for reading only")
        ids = [chunk.id for item in documents.values() for chunk in item.chunks]
        if len(ids) != len(set(ids)):
            raise StoreError("two chunks have one id")
        self.held["documents"] = documents
        self.held["info"] = replace(self.info, updated=datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))

    def write(self, batch: Sequence[DocumentWrite], remove: Sequence[str] = ()) -> None:
        import numpy as np

        kept = {id_: item for id_, item in self.held["documents"].items() if id_ not in remove}
        for item in batch:
            right = np.shape(item.vectors) == (len(item.chunks), self.info.dimension)
            if not right or not np.isfinite(item.vectors).all():
                raise StoreError(f"document {item.record.id!r}: vectors that do not fit")
            if any(item.text[chunk.start : chunk.end] != chunk.text for chunk in item.chunks):
                raise StoreError(f"document {item.record.id!r}: a chunk is not its text")
            kept[item.record.id] = replace(item, chunks=tuple(item.chunks))
        self._change(kept)

    def remove(self, document_ids: Sequence[str]) -> int:
        there = [id_ for id_ in set(document_ids) if id_ in self.held["documents"]]
        self._change({id_: item for id_, item in self.held["documents"].items() if id_ not in there})
        return len(there)

    def documents(self, where: Filter | None = None) -> Iterator[DocumentRecord]:
        return iter([item.record for item in self._all(where)])

    def document_text(self, document_id: str) -> str:
        if document_id not in self.held["documents"]:
            raise NotFoundError(f"there is no document {document_id!r}")
        return self.held["documents"][document_id].text

    def chunks(self, chunk_ids: Sequence[str]) -> list[tuple[Chunk, DocumentRecord]]:
        found = {chunk.id: (chunk, item.record) for item in self._all() for chunk in item.chunks}
        return [found[id_] for id_ in chunk_ids if id_ in found]

    def search(self, vector: Vectors, k: int, where: Filter | None = None) -> list[Scored]:
        query = [float(number) for number in vector]
        if len(query) != self.info.dimension:
            raise StoreError(f"a vector of {len(query)} numbers for {self.info.dimension}")
        scored = [
            Scored(chunk.id, round(math.fsum(float(a) * b for a, b in zip(row, query, strict=True)), 6))
            for item in self._all(where)
            for chunk, row in zip(item.chunks, item.vectors, strict=True)
        ]
        return sorted(scored, key=lambda hit: (-hit.score, hit.chunk_id))[: max(k, 0)]

    def keyword_search(self, text: str, k: int, where: Filter | None = None) -> list[Scored]:
        raise StoreError("frozen has no keyword search")

    def scroll(self) -> Iterator[DocumentWrite]:
        return iter(self._all())

    def count(self) -> tuple[int, int]:
        return len(self.held["documents"]), sum(len(item.chunks) for item in self._all())

    def check(self) -> list[Finding]:
        return [Finding("count", item.record.id) for item in self._all() if item.record.chunks != len(item.chunks)]

    def close(self) -> None:
        """Nothing is open."""
