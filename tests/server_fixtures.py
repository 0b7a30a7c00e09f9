"""Fixtures for tests that talk to model servers: one that fails on purpose, and a real llama.cpp."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers.fault_server import FaultServer, running

KEY = "local-key-5f2d81"


@dataclass(frozen=True)
class LlamaServer:
    """A llama.cpp server with a tiny random model called `tiny`. `url` is the base URL of its API."""

    url: str
    key: str
    model: str = "tiny"


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """`fault_server.url("500-forever")` is the base URL of a fault; its log is empty at the start of each test."""
    with running() as server:
        yield server


@contextlib.contextmanager
def _llama(folder: Path, mode: str, context: int = 512) -> Iterator[LlamaServer]:
    for module in ("xllamacpp", "gguf"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed: no real model server")
    from servers.tiny_gguf import write_model
    from servers.tiny_reranker import write_reranker

    model = folder / "tiny.gguf"
    if mode == "reranking":
        write_reranker(model)
    else:
        write_model(model, context)
    child = subprocess.Popen(
        [
            sys.executable,
            str(Path(__file__).parent / "servers" / "llama_child.py"),
            str(model),
            KEY,
            mode,
            str(context),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(folder / "llama.log").open("w"),
        text=True,
    )
    try:
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            pytest.fail(f"the llama.cpp server did not start: {(folder / 'llama.log').read_text()[-2000:]}")
        yield LlamaServer(json.loads(line)["address"] + "/v1", KEY)
    finally:
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()


@pytest.fixture(scope="session")
def llama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """Chat completions of a real server."""
    with _llama(tmp_path_factory.mktemp("llama-chat"), "chat") as server:
        yield server


@pytest.fixture(scope="session")
def llama_embeddings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """Embeddings of a real server: 64 numbers."""
    with _llama(tmp_path_factory.mktemp("llama-embed"), "embeddings") as server:
        yield server


@pytest.fixture(scope="session")
def llama_reranker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """Scores of a real server, from a model that reads 512 tokens of query and text together."""
    with _llama(tmp_path_factory.mktemp("llama-rerank"), "reranking") as server:
        yield server


@pytest.fixture
def llama_without_end(tmp_path: Path) -> Iterator[LlamaServer]:
    """A real server whose answers take many seconds when nobody limits them."""
    with _llama(tmp_path, "chat", context=100_000) as server:
        yield server


@pytest.fixture(scope="session")
def shared_specs() -> Path:
    """The folder of the vendors' official API descriptions, which are no part of this repository."""
    folder = Path(__file__).parents[2] / "shared" / "data" / "specs"
    if not folder.is_dir():
        pytest.skip("the vendors' API descriptions are not on this machine (../shared/data/specs)")
    return folder
