"""What a collection already holds, by source: what decides that nothing has to be done, or what has to go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from opsvi_cli.sdk import JSON, Store

PIPELINE_VERSION = 1
"""Raised when the built-in processors give better text, so that documents are read again."""


@dataclass(slots=True)
class KnownSource:
    """The documents of one source. `content_hash` is empty when they were not all made from the same bytes."""

    content_hash: str
    fingerprint: str
    documents: list[tuple[str, int]] = field(default_factory=list)
    """(document id, number of chunks)"""
    validators: tuple[str, str] = ("", "")

    @property
    def ids(self) -> list[str]:
        return [document_id for document_id, _chunks in self.documents]


class Known:
    """The documents of a collection as they were when the run began."""

    def __init__(self, store: Store | None) -> None:
        self._sources: dict[str, KnownSource] = {}
        for record in store.documents() if store is not None else ():
            known = self._sources.get(record.source)
            if known is None:
                known = KnownSource(record.content_hash, record.fingerprint)
                self._sources[record.source] = known
            elif (known.content_hash, known.fingerprint) != (record.content_hash, record.fingerprint):
                known.content_hash = ""
            known.documents.append((record.id, record.chunks))
            etag, modified = record.metadata.get("etag"), record.metadata.get("last_modified")
            if isinstance(etag, str) or isinstance(modified, str):
                known.validators = (str(etag or ""), str(modified or ""))
        self._owners: dict[str, str] | None = None

    def get(self, source: str) -> KnownSource | None:
        return self._sources.get(source)

    def sources(self) -> Iterator[tuple[str, KnownSource]]:
        yield from self._sources.items()

    def owner(self, document_id: str) -> str | None:
        """The source that a document came from."""
        if self._owners is None:
            self._owners = {found: uri for uri, known in self._sources.items() for found in known.ids}
        return self._owners.get(document_id)


def pipeline_fingerprint(processor: str, chunker: str, embedder: str, meta: Mapping[str, JSON]) -> str:
    """What, beside the bytes, decides how a document is stored; 16 hex digits."""
    parts = [PIPELINE_VERSION, processor, chunker, embedder, dict(meta)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
