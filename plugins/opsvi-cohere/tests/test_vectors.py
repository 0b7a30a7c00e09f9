"""The embedder and the reranker: what they send, and every answer checked."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
from opsvi_cohere.embedder import CohereEmbedder
from opsvi_cohere.reranker import CohereReranker
from wire import SpecAnswer

from opsvi_cli.sdk import CredentialsError, Hit, OpsviError, ProviderError, UsageError
from opsvi_cli.testing import check_embedder, check_reranker

EMBED, RERANK = "POST /v2/embed", "POST /v2/rerank"


def _vector(text: str, size: int = 8) -> list[float]:
    return [byte - 127.5 for byte in hashlib.sha256(text.encode()).digest()[:size]]


def _embedded(request: Any) -> dict[str, Any]:
    rows = [_vector(request.body["input_type"] + text) for text in request.body["texts"]]
    return {"id": "e1", "embeddings": {"float": rows}, "api_version": "2"}


def _hit(rank: int, text: str) -> Hit:
    return Hit(rank, 1.0, text, f"/d/{rank}", f"d{rank}", f"d{rank}.0", "", None, None, 0, len(text), {})


HITS = [_hit(1, "soup"), _hit(2, "backups are kept"), _hit(3, " "), _hit(4, "disks")]


def _ranked(request: Any) -> dict[str, Any]:
    """The best first, as the vendor sends them."""
    words = set(request.body["query"].split())
    scores = [
        (len(words & set(text.split())) / (1 + len(words)), index)
        for index, text in enumerate(request.body["documents"])
    ]
    results = [{"index": index, "relevance_score": score} for score, index in sorted(scores, reverse=True)]
    return {"id": "r1", "results": results, "meta": {"api_version": {"version": "2"}}}


def test_the_contracts(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    with serve({EMBED: _embedded, RERANK: _ranked}) as server:
        check_embedder(make(server.url, CohereEmbedder, model="m"))
        check_reranker(make(server.url, CohereReranker))


def test_texts_are_embedded_by_kind_in_batches(make: Callable[..., Any], serve: Callable[..., Any], spec: Path) -> None:
    texts = [f"text {n}" if n != 5 else "" for n in range(200)]
    with serve({EMBED: _embedded}, spec) as server:
        embedder = make(server.url, CohereEmbedder, dimensions=8)
        rows = embedder.embed(texts)
        query = embedder.embed(["text 7"], "query")
        bodies = [request.body for request in server.requests]
    assert [len(body["texts"]) for body in bodies] == [96, 96, 7, 1]
    assert [body["input_type"] for body in bodies] == ["search_document"] * 3 + ["search_query"]
    assert (bodies[0]["model"], bodies[0]["output_dimension"]) == ("embed-v4.0", 8)
    expected = numpy.array(_vector("search_documenttext 199"))
    assert numpy.allclose(rows[199], expected / numpy.linalg.norm(expected), atol=1e-6)
    assert not rows[5].any()
    assert not numpy.allclose(rows[7], query[0])


def test_the_dimension_is_known_asked_for_or_found_out(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    assert make("http://127.0.0.1:9", CohereEmbedder).dimension == 1536
    assert make("http://127.0.0.1:9", CohereEmbedder, dimensions="256").dimension == 256
    with serve({EMBED: _embedded}) as server:
        assert make(server.url, CohereEmbedder, model="m").dimension == 8
    with pytest.raises(UsageError, match=r"parts\.cohere\.dimensions"):
        make("http://127.0.0.1:9", CohereEmbedder, dimensions=0)


def test_the_fingerprint_names_what_changes_vectors(make: Callable[..., Any]) -> None:
    prints = [
        make(url, CohereEmbedder, **options).fingerprint
        for url, options in (
            ("http://127.0.0.1:9", {}),
            ("http://127.0.0.1:9", {"model": "m"}),
            ("http://127.0.0.1:9", {"dimensions": 256}),
            ("http://127.0.0.1:8", {}),
        )
    ]
    assert len(set(prints)) == 3
    assert prints[0] == prints[3]


def _rows(*rows: Sequence[Any]) -> SpecAnswer:
    return SpecAnswer({"id": "x", "embeddings": {"float": list(rows)}})


@pytest.mark.parametrize(
    "answer",
    [
        _rows([1, 2]),
        _rows([1, 2], [1, 2, 3]),
        _rows([0, 0], [1, 2]),
        SpecAnswer('{"embeddings": {"float": [[NaN, 1], [1, 2]]}}', headers={"content-type": "application/json"}),
        _rows(["a", "b"], [1, 2]),
        _rows([1, 2, 3], [1, 2, 3]),
        SpecAnswer({"embeddings": [[1, 2], [1, 2]]}),
        SpecAnswer({"id": "x"}),
        SpecAnswer([1]),
        SpecAnswer("<html>", headers={"content-type": "text/html"}),
    ],
)
def test_strange_vectors(make: Callable[..., Any], serve: Callable[..., Any], answer: SpecAnswer) -> None:
    with serve({EMBED: answer}, check_answers=False) as server, pytest.raises(ProviderError) as caught:
        make(server.url, CohereEmbedder, dimensions=2).embed(["a", "b"])
    assert caught.value.kind == "bad-response"


def test_scores_go_back_to_their_hits(make: Callable[..., Any], serve: Callable[..., Any], spec: Path) -> None:
    with serve({RERANK: _ranked}, spec) as server:
        reranker = make(server.url, CohereReranker)
        scores = reranker.rerank("how are backups kept", HITS)
        assert scores.index(max(scores)) == 1
        assert scores[2] == min(scores)
        assert server.requests[0].body["documents"] == ["soup", "backups are kept", "disks"]
        assert server.requests[0].body["model"] == "rerank-v3.5"
        assert reranker.rerank(" ", HITS) == [0.0] * 4
        assert reranker.rerank("x", []) == []
        assert len(server.requests) == 1


def test_long_texts_are_cut(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    with serve({RERANK: _ranked}) as server:
        make(server.url, CohereReranker, rerank_model="m").rerank("q " * 5000, [replace(HITS[0], text="x" * 50_000)])
        body = server.requests[0].body
    assert (len(body["query"]), len(body["documents"][0]), body["model"]) == (3999, 16_000, "m")


@pytest.mark.parametrize(
    "results",
    [
        [],
        [{"index": 0, "relevance_score": 1}],
        [{"index": 0, "relevance_score": 1}, {"index": 0, "relevance_score": 1}],
        [{"index": 0, "relevance_score": 1}, {"index": 2, "relevance_score": 1}],
        [{"index": 0, "relevance_score": 1}, {"index": -1, "relevance_score": 1}],
        [{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": "high"}],
        [{"index": 0, "relevance_score": 1}, {"index": 1}],
        [{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": math.inf}],
        [1, 2],
        "none",
    ],
)
def test_strange_scores(make: Callable[..., Any], serve: Callable[..., Any], results: Any) -> None:
    answer = SpecAnswer({"results": results})
    with serve({RERANK: answer}, check_answers=False) as server, pytest.raises(ProviderError) as caught:
        make(server.url, CohereReranker).rerank("q", HITS[:2])
    assert caught.value.kind == "bad-response"


@pytest.mark.parametrize("operation", [EMBED, RERANK])
@pytest.mark.parametrize(("status", "error"), [(401, CredentialsError), (429, ProviderError), (500, ProviderError)])
def test_errors_are_those_of_chat(
    make: Callable[..., Any], serve: Callable[..., Any], operation: str, status: int, error: type[OpsviError]
) -> None:
    with serve({operation: SpecAnswer({"message": "no"}, status)}) as server:
        part: Any = make(server.url, CohereEmbedder if operation == EMBED else CohereReranker)
        with pytest.raises(error):
            part.embed(["a"]) if operation == EMBED else part.rerank("q", HITS)
        assert len(server.requests) == 1
