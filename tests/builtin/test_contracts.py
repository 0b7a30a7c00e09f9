"""Every built-in part keeps the contract of its kind. The stores are in `store/test_store_contract.py`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers.fault_server import FaultServer, running

from opsvi_cli.builtin.openai_presets import PRESETS
from opsvi_cli.context import AppContext
from opsvi_cli.plugin_host.host import BUILT_IN
from opsvi_cli.sdk import Part, Registry, Source
from opsvi_cli.testing import check_chunker, check_embedder, check_processor, check_provider, check_reranker

DOCUMENTS = Path(__file__).resolve().parents[2] / "examples" / "documents"


def parts(kind: str) -> list[Part]:
    from opsvi_cli.builtin.plugin import opsvi_register

    registry = Registry()
    opsvi_register(registry)
    return [part for part in registry.parts() if part.kind == kind]


def names(kind: str) -> list[str]:
    return [part.name for part in parts(kind)]


@pytest.fixture
def app(home: Path, tmp_path: Path) -> AppContext:
    env = {**os.environ, "OPENAI_API_KEY": "sk-contract-0123456789abcdef", "OPSVI_HTTP__READ_TIMEOUT": "20"}
    return AppContext(env=env, cwd=str(tmp_path), stdin=None)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running() as server:
        yield server


def test_every_kind_of_built_in_part_has_a_test_here() -> None:
    registry = AppContext().plugins.registry
    kinds = {part.kind for part in registry.parts() if part.plugin == BUILT_IN}
    assert kinds == {"provider", "embedder", "processor", "chunker", "store", "tool", "reranker"}


@pytest.mark.parametrize("name", names("chunker"))
def test_chunker(name: str, app: AppContext) -> None:
    for options in ({}, {"size": 40, "overlap": 0}, {"size": 300, "overlap": 200}):
        check_chunker(app.part("chunker", name, options))


@pytest.mark.parametrize("name", names("embedder"))
def test_embedder(name: str, app: AppContext, server: FaultServer) -> None:
    options = {"base_url": server.url("ok"), "model": "m", "base64": False} if name in PRESETS else {}
    check_embedder(app.part("embedder", name, options))


@pytest.mark.parametrize("part", parts("processor"), ids=names("processor"))
def test_processor(part: Part, app: AppContext) -> None:
    suffixes: Any = part.data["suffixes"]
    files = [path for path in sorted(DOCUMENTS.rglob("*")) if path.suffix in suffixes]
    assert files, "every format has an example"
    samples = [Source(str(path), path.name, path.read_bytes()) for path in files]
    check_processor(app.part("processor", part.name), samples)


def test_provider_echo(app: AppContext) -> None:
    check_provider(app.part("provider", "echo"), model="echo")


def test_provider_openai(app: AppContext, server: FaultServer) -> None:
    check_provider(app.part("provider", "openai", {"base_url": server.url("ok")}), model="m")


def test_provider_openai_on_a_real_server(app: AppContext, llama_server: Any) -> None:
    options = {"base_url": llama_server.url, "api_key": "env:LLAMA_KEY"}
    real = AppContext(env={**app.env, "LLAMA_KEY": llama_server.key}, cwd=app.cwd, stdin=None)
    check_provider(real.part("provider", "openai", options), model=llama_server.model)


@pytest.mark.parametrize("name", names("reranker"))
def test_reranker_on_a_real_server(name: str, app: AppContext, llama_reranker: Any) -> None:
    """Each character is a token of this model: what is longer than its 512 is refused."""
    options = {"base_url": llama_reranker.url, "api_key": "env:LLAMA_KEY", "rerank_characters": 200}
    real = AppContext(env={**app.env, "LLAMA_KEY": llama_reranker.key}, cwd=app.cwd, stdin=None)
    check_reranker(real.part("reranker", name, options))
