"""Stores under test, and documents to put into them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opsvi_cli.builtin.store_local.backend import LocalBackend
from opsvi_cli.builtin.store_memory import MemoryBackend
from opsvi_cli.sdk import Chunk, CollectionInfo, DocumentRecord, DocumentWrite, StoreBackend

DIMENSION = 8

# The same promises with every way of keeping vectors: in SQLite only, as a matrix file, as a FAISS file.
STORES: Mapping[str, tuple[Any, Mapping[str, int]]] = {
    "memory": (MemoryBackend, {}),
    "local": (LocalBackend, {}),
    "local-matrix": (LocalBackend, {"index_file_rows": 1}),
    "local-matrix-stale": (LocalBackend, {"index_file_rows": 1, "index_stale_rows": 0}),
    "local-faiss": (LocalBackend, {"index_file_rows": 1, "index_faiss_rows": 1}),
}


@dataclass
class FakeServices:
    data_dir: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    name: str = "local"
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("test"))

    @property
    def cache_dir(self) -> Path:
        return self.data_dir / "cache"

    def secret(self, reference: str) -> str:
        return reference

    def http(self, *, allow_private: bool = False, timeout: float | None = None) -> Any:
        raise AssertionError("a store on this machine needs no network")

    def remaining(self) -> float | None:
        return None


@pytest.fixture
def local(tmp_path: Path) -> Callable[..., LocalBackend]:
    """`local(index_file_rows=1)`: a backend with these options, always over the same folder."""
    return lambda **options: LocalBackend(FakeServices(tmp_path / "data", {"lock_seconds": 0, **options}))


@pytest.fixture(params=STORES)
def new_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], StoreBackend]:
    """`new_backend("a")`: an empty backend of each kind; the same again for the same word."""
    target, options = STORES[request.param]
    return lambda place="one": target(FakeServices(tmp_path / place, {"lock_seconds": 0, **options}))


@pytest.fixture
def backend(new_backend: Callable[[str], StoreBackend]) -> StoreBackend:
    return new_backend("one")


@pytest.fixture
def manifest() -> Callable[..., CollectionInfo]:
    def make(name: str = "notes", dimension: int = DIMENSION) -> CollectionInfo:
        now = "2026-01-01T00:00:00.000Z"
        return CollectionInfo(name, "test", dimension, "fake-1", "fake-1", 0.4, now, now, settings={"embedder": "fake"})

    return make


@pytest.fixture
def document() -> Callable[..., DocumentWrite]:
    """`document("a", "some text", metadata={...}, size=20)`: chunks of `size` characters, vectors from their text."""

    def make(
        id_: str,
        text: str,
        *,
        size: int = 20,
        dimension: int = DIMENSION,
        title: str = "",
        source: str = "",
        part: str = "",
        section: tuple[str, ...] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> DocumentWrite:
        chunks = [
            Chunk(
                f"{id_}.{n}", id_, text[at : at + size], at, min(at + size, len(text)), n, page=n + 1, section=section
            )
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

    return make
