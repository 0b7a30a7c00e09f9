"""The `openai` embedder: order, checks and batches, against a server that errs."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from servers.fault_server import FaultServer, running

from opsvi_cli.context import AppContext
from opsvi_cli.errors import CredentialsError, ProviderError, UsageError


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running() as server:
        yield server


@pytest.fixture
def embedder(home: Path, tmp_path: Path, server: FaultServer) -> Callable[..., Any]:
    def make(fault: str = "ok", **options: object) -> Any:
        env = {**os.environ, "OPENAI_API_KEY": "sk-embed-0123456789abcdef", "OPSVI_HTTP__READ_TIMEOUT": "5"}
        app = AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=env, cwd=str(tmp_path))
        return app.part("embedder", "openai", {"base_url": server.url(fault), "model": "m", **options})

    return make


def test_rows_stand_in_the_order_of_the_texts(embedder: Callable[..., Any], server: FaultServer) -> None:
    texts = ["a", "", "bcd", "aeiou", " \n", "xyz!"]
    rows = embedder("ok", batch=2).embed(texts)
    shuffled = embedder("embeddings-shuffled", batch=3).embed(texts)
    assert numpy.array_equal(rows, shuffled)
    assert rows.shape == (6, 3)
    assert rows.dtype == numpy.float32
    expected = numpy.array([5.0, 5.0, 1.0])
    assert numpy.allclose(rows[3], expected / numpy.linalg.norm(expected))
    assert not rows[[1, 4]].any()
    inputs = [seen.body["input"] for seen in server.requests if seen.fault == "ok"]
    assert inputs == [["dimension"], ["a", "bcd"], ["aeiou", "xyz!"]]
    assert embedder("ok").embed([]).shape == (0, 3)


def test_what_is_asked_for(embedder: Callable[..., Any], server: FaultServer) -> None:
    part = embedder("ok", dimensions=3, query_prefix="query: ", document_prefix="passage: ")
    assert part.dimension == 3
    assert server.requests == []
    part.embed(["x"], "query")
    part.embed(["y"])
    assert [seen.body["input"] for seen in server.requests] == [["query: x"], ["passage: y"]]
    assert server.last().body["dimensions"] == 3


def test_fingerprints_differ_when_vectors_would(embedder: Callable[..., Any]) -> None:
    prints = [
        embedder("ok").fingerprint,
        embedder("ok", model="n").fingerprint,
        embedder("ok", dimensions=3).fingerprint,
        embedder("ok", query_prefix="q").fingerprint,
    ]
    assert len(set(prints)) == 4
    assert embedder("ok", batch=7).fingerprint == embedder("embeddings-shuffled").fingerprint == prints[0]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("embeddings-missing", "2 vectors came for 3 texts"),
        ("embeddings-nan", "not finite"),
        ("embeddings-zero", "a vector is zero"),
        ("embeddings-wrong-dimension", "differ in length"),
        ("html-200", "the answer holds no vectors (content type text/html"),
        ("json-array", "the answer holds no vectors"),
        ("json-null", "the answer holds no vectors"),
        ("missing-fields", "the answer holds no vectors"),
        ("500-forever", "the server failed (500)"),
        ("cut-then-ok", "the connection broke"),
    ],
)
def test_bad_vectors_are_refused(fault: str, says: str, embedder: Callable[..., Any]) -> None:
    with pytest.raises(ProviderError) as caught:
        embedder(fault, dimensions=3).embed(["a", "b", "c"])
    assert says in caught.value.message
    assert "openai/m at http://127.0.0.1" in caught.value.message
    assert caught.value.hint


def test_another_dimension_than_promised(embedder: Callable[..., Any]) -> None:
    with pytest.raises(ProviderError, match="vectors have 3 numbers where 4 were expected"):
        embedder("ok", dimensions=4).embed(["a"])


def test_a_refused_key(embedder: Callable[..., Any]) -> None:
    with pytest.raises(CredentialsError) as caught:
        embedder("401-echoes-key", dimensions=3).embed(["a"])
    assert "0123456789abcdef" not in caught.value.message
    assert "\x1b" not in caught.value.message


@pytest.mark.parametrize("options", [{"dimensions": 0}, {"dimensions": "many"}, {"batch": -1}, {"batch": True}])
def test_wrong_options(options: dict[str, Any], embedder: Callable[..., Any]) -> None:
    with pytest.raises(UsageError):
        embedder("ok", **options)
