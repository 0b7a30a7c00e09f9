"""Parts in a process of their own keep the contracts that every part must keep."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.sdk import Source, StoreBackend
from opsvi_cli.testing import (
    check_agent_adapter,
    check_chunker,
    check_embedder,
    check_processor,
    check_provider,
    check_reranker,
    check_secret_store,
    check_store,
    check_tool,
)

pytestmark = pytest.mark.usefixtures("zoo")


def test_store(app: AppContext, tmp_path: Path) -> None:
    """The built-in store `memory`, in another process."""
    places = itertools.count()

    def new_backend() -> StoreBackend:
        services = app.foundation.for_part("store", "zoo", {})
        services.data_dir = tmp_path / f"place-{next(places)}"
        backend: StoreBackend = app.plugins.load("store", "zoo")(services)
        return backend

    check_store(new_backend)


def test_provider(app: AppContext) -> None:
    check_provider(app.part("provider", "zoo"), model="words")


def test_embedder(app: AppContext) -> None:
    check_embedder(app.part("embedder", "zoo"))


def test_processor(app: AppContext) -> None:
    check_processor(app.part("processor", "zoo"), [Source("/a.zoo", "a.zoo", b"some text")])


def test_chunker_and_reranker(app: AppContext) -> None:
    check_chunker(app.part("chunker", "zoo"))
    check_reranker(app.part("reranker", "zoo"))


def test_tool(app: AppContext) -> None:
    check_tool(app.part("tool", "zoo"), {"do": "echo", "value": [1]})


def test_agent_adapter(app: AppContext) -> None:
    check_agent_adapter(app.part("agent_adapter", "zoo"))


def test_secret_store(app: AppContext) -> None:
    check_secret_store(app.part("secret_store", "zoo"), "known")
