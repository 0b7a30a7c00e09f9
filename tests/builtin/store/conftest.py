"""Stores under test, and documents to put into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.builtin.store_local.backend import LocalBackend
from opsvi_cli.builtin.store_memory import MemoryBackend
from opsvi_cli.sdk import CollectionInfo, DocumentWrite, StoreBackend
from opsvi_cli.testing import store_documents

# The same promises with every way of keeping vectors: in SQLite only, as a matrix file, as a FAISS file.
STORES: Mapping[str, tuple[Any, Mapping[str, int]]] = {
    "memory": (MemoryBackend, {}),
    "local": (LocalBackend, {}),
    "local-matrix": (LocalBackend, {"index_file_rows": 1}),
    "local-matrix-stale": (LocalBackend, {"index_file_rows": 1, "index_stale_rows": 0}),
    "local-faiss": (LocalBackend, {"index_file_rows": 1, "index_faiss_rows": 1}),
}


@pytest.fixture
def services_in(opsvi_services: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """`services_in("place", option=1)`: services whose data lies in that folder; nobody waits for a lock."""
    return lambda place, **options: replace(
        opsvi_services("local", **{"lock_seconds": 0, **options}), data_dir=tmp_path / place
    )


@pytest.fixture
def local(services_in: Callable[..., Any]) -> Callable[..., LocalBackend]:
    """`local(index_file_rows=1)`: a backend with these options, always over the same folder."""
    return lambda **options: LocalBackend(services_in("data", **options))


@pytest.fixture(params=STORES)
def new_backend(request: pytest.FixtureRequest, services_in: Callable[..., Any]) -> Callable[[str], StoreBackend]:
    """`new_backend("a")`: an empty backend of each kind; the same again for the same word."""
    target, options = STORES[request.param]
    return lambda place="one": target(services_in(place, **options))


@pytest.fixture
def manifest() -> Callable[..., CollectionInfo]:
    return lambda name="notes", dimension=8: store_documents.manifest(name, dimension)


@pytest.fixture
def document() -> Callable[..., DocumentWrite]:
    """`document("a", "some text", metadata={...}, size=20)`: chunks of `size` characters, vectors from their text."""
    return store_documents.document
