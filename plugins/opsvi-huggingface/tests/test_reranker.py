"""The reranker against a TEI server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opsvi_huggingface.reranker import HuggingFaceReranker

from opsvi_cli.sdk import CredentialsError, Hit, ProviderError, Services, UsageError
from opsvi_cli.testing import SpecAnswer, SpecRequest, SpecServer, check_reranker

RERANK = "POST /rerank"


def ranks(request: SpecRequest) -> SpecAnswer:
    """The longest first, as TEI sends them."""
    scores = [{"index": n, "score": len(text) / 100_000} for n, text in enumerate(request.body["texts"])]
    return SpecAnswer(sorted(scores, key=lambda entry: -entry["score"]))


@pytest.fixture
def reranker(opsvi_services: Callable[..., Services]) -> Callable[..., HuggingFaceReranker]:
    return lambda server, **options: HuggingFaceReranker(
        opsvi_services(
            "huggingface", base_url="http://127.0.0.1:9", rerank_url=server.url, api_key="env:HF_TOKEN", **options
        )
    )


def hits(*texts: str) -> list[Hit]:
    return [Hit(1, 1.0, text, "/a.md", "a", f"a.{n}", "", None, None, 0, len(text), {}) for n, text in enumerate(texts)]


def test_the_contract(serve_each: Callable[..., SpecServer], reranker: Callable[..., HuggingFaceReranker]) -> None:
    check_reranker(reranker(serve_each("tei", {RERANK: ranks})))


def test_scores_in_batches_go_back_to_their_hits(
    serve_each: Callable[..., SpecServer], reranker: Callable[..., HuggingFaceReranker]
) -> None:
    server = serve_each("tei", {RERANK: ranks})
    texts = ["x" * n for n in range(1, 41)]
    assert reranker(server).rerank("q", hits(*texts, " ")) == [*(n / 100_000 for n in range(1, 41)), 1 / 100_000]
    assert [len(request.body["texts"]) for request in server.requests] == [32, 8]
    assert all(request.body["truncate"] is True for request in server.requests)


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (SpecAnswer([]), ProviderError, "0 scores came for 1 texts"),
        (SpecAnswer([{"index": 1, "score": 1}]), ProviderError, "not numbered by the texts"),
        (SpecAnswer([{"index": 0, "score": "x"}]), ProviderError, "no finite number"),
        (SpecAnswer({"results": []}), ProviderError, "no scores came"),
        (SpecAnswer("<html>"), ProviderError, "no answer of a model"),
        (SpecAnswer({"error": "Inference failed", "error_type": "backend"}, 424), ProviderError, "Inference failed"),
        (SpecAnswer({"error": "who?"}, 401), CredentialsError, "the key was refused"),
    ],
)
def test_failures(
    answer: SpecAnswer,
    error: type[Exception],
    said: str,
    serve_each: Callable[..., SpecServer],
    reranker: Callable[..., HuggingFaceReranker],
) -> None:
    with pytest.raises(error, match=said):
        reranker(serve_each("tei", {RERANK: answer}), rerank_model="bge").rerank("q", hits("x"))


def test_a_server_is_needed(opsvi_services: Callable[..., Any]) -> None:
    with pytest.raises(UsageError) as caught:
        HuggingFaceReranker(opsvi_services("huggingface"))
    assert caught.value.hint == "opsvi config set parts.huggingface.rerank_url URL"
