"""The embedder: task types, batches, and checks of what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest
from opsvi_google.embedder import GoogleEmbedder

from opsvi_cli.sdk import ProviderError, UsageError
from opsvi_cli.testing import SpecRequest, SpecServer, check_embedder

BATCH = "POST /v1beta/models/{model}:batchEmbedContents"


def vectors(request: SpecRequest) -> dict[str, Any]:
    """Four numbers for each text, made of its characters."""
    texts = [entry["content"]["parts"][0]["text"] for entry in request.body["requests"]]
    return {"embeddings": [{"values": [1.0, len(text), text.count("a"), ord(text[0])]} for text in texts]}


@pytest.fixture
def embedder(services: Callable[..., Any]) -> Callable[..., GoogleEmbedder]:
    return lambda server, **options: GoogleEmbedder(services(server, **options))


def test_the_contract(serve_each: Callable[..., SpecServer], embedder: Callable[..., GoogleEmbedder]) -> None:
    check_embedder(embedder(serve_each({BATCH: vectors}), model="gemini-embedding-9"))


def test_batches_task_types_and_dimensions(
    serve_each: Callable[..., SpecServer], embedder: Callable[..., GoogleEmbedder]
) -> None:
    server = serve_each({BATCH: vectors})
    made = embedder(server, dimensions=4, batch=2, query_prefix="Q: ")
    rows = made.embed(["abc", "", "ba", "c"], "query")
    numpy.testing.assert_allclose(numpy.linalg.norm(rows, axis=1), [1, 0, 1, 1], atol=1e-6)
    first, second = (request.body["requests"] for request in server.requests)
    assert [entry["content"]["parts"][0]["text"] for entry in first] == ["Q: abc", "Q: ba"]
    assert len(second) == 1
    assert all(entry["model"] == "models/gemini-embedding-001" for entry in first)
    assert all(entry["taskType"] == "RETRIEVAL_QUERY" for entry in first)
    assert all(entry["outputDimensionality"] == 4 for entry in first)
    made.embed(["x"])
    assert server.requests[-1].body["requests"][0]["taskType"] == "RETRIEVAL_DOCUMENT"


def test_the_newest_model_gets_one_content_a_text_and_no_task(
    serve: Callable[..., SpecServer], embedder: Callable[..., GoogleEmbedder]
) -> None:
    server = serve({BATCH: vectors})
    embedder(server, model="models/gemini-embedding-2", dimensions=4).embed(["one", "two"])
    entries = server.requests[0].body["requests"]
    assert len(entries) == 2
    assert "taskType" not in entries[0]


@pytest.mark.parametrize(
    ("embeddings", "said"),
    [
        ([], "0 vectors came for 1 texts"),
        ([{"values": [0.0, 0.0]}], "a vector is zero"),
        ([{"values": []}], "no lists of numbers"),
        ([{}], "no lists of numbers"),
        ([{"values": [1.0, 2.0]}, {"values": [1.0, 2.0]}], "2 vectors came for 1 texts"),
        ([{"values": [1.0, 2.0]}], "2 numbers where 3 were expected"),
        (5, "cannot be read"),
    ],
)
def test_what_is_no_vector_is_refused(
    embeddings: Any, said: str, serve: Callable[..., SpecServer], embedder: Callable[..., GoogleEmbedder]
) -> None:
    server = serve({BATCH: {"embeddings": embeddings}})
    with pytest.raises(ProviderError, match=said) as caught:
        embedder(server, dimensions=3).embed(["x"])
    assert caught.value.kind == "bad-response"


@pytest.mark.parametrize("options", [{"dimensions": 0}, {"batch": True}, {"batch": "many"}])
def test_wrong_options_name_the_setting(options: dict[str, Any], opsvi_services: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="is not a positive number") as caught:
        GoogleEmbedder(opsvi_services("google", **options))
    assert "opsvi config set parts.google." in caught.value.hint


def test_the_fingerprint_follows_what_changes_the_vectors(opsvi_services: Callable[..., Any]) -> None:
    def fingerprint(**options: Any) -> str:
        return GoogleEmbedder(opsvi_services("google", **options)).fingerprint

    changed = [{}, {"model": "x"}, {"dimensions": 8}, {"query_prefix": "q"}, {"document_prefix": "q"}]
    assert len({fingerprint(**options) for options in changed}) == len(changed)
    assert fingerprint(batch=3, base_url="http://localhost") == fingerprint()
