"""The embedder against the router and a TEI server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest
from opsvi_huggingface.embedder import HuggingFaceEmbedder

from opsvi_cli.sdk import ProviderError, UsageError
from opsvi_cli.testing import SpecAnswer, SpecRequest, SpecServer, check_embedder

EMBED = "POST /embed"
EXTRACT = "POST /hf-inference/models/{owner}/{model}/pipeline/feature-extraction"


def vectors(request: SpecRequest) -> SpecAnswer:
    """Four numbers for each text, made of its characters."""
    return SpecAnswer([[1.0, len(text), text.count("a"), ord(text[0])] for text in request.body["inputs"]])


@pytest.fixture
def embedder(services: Callable[..., Any]) -> Callable[..., HuggingFaceEmbedder]:
    return lambda server, **options: HuggingFaceEmbedder(services(server, **options))


def test_the_contract_on_a_tei_server(
    serve_each: Callable[..., SpecServer], embedder: Callable[..., HuggingFaceEmbedder]
) -> None:
    check_embedder(embedder(serve_each("tei", {EMBED: vectors}), dialect="server"))


def test_the_router_is_asked_for_the_model_in_batches(
    serve: Callable[..., SpecServer], embedder: Callable[..., HuggingFaceEmbedder]
) -> None:
    server = serve({EXTRACT: vectors})
    made = embedder(server, model="owner/small", batch=2, query_prefix="Q: ")
    assert made.dimension == 4
    rows = made.embed(["abc", "", "ba", "c"], "query")
    numpy.testing.assert_allclose(numpy.linalg.norm(rows, axis=1), [1, 0, 1, 1], atol=1e-6)
    assert [request.body["inputs"] for request in server.requests[1:]] == [["Q: abc", "Q: ba"], ["Q: c"]]
    assert server.requests[0].path_params == {"owner": "owner", "model": "small"}
    assert all(request.body["truncate"] is True for request in server.requests)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "0 vectors came for 1 texts"),
        ([[0.0, 0.0]], "a vector is zero"),
        ([[1.0], [2.0]], "2 vectors came for 1 texts"),
        ([[[1.0, 2.0]]], "no lists of numbers"),
        ([[1.0, "x"]], "cannot be read"),
        ({"error": 1}, "cannot be read"),
        ("{not json", "cannot be read"),
    ],
)
def test_what_is_no_vector_is_refused(
    body: Any, said: str, serve: Callable[..., SpecServer], embedder: Callable[..., HuggingFaceEmbedder]
) -> None:
    server = serve({EXTRACT: SpecAnswer(body, headers={"content-type": "application/json"})})
    with pytest.raises(ProviderError, match=said) as caught:
        embedder(server).embed(["x"])
    assert caught.value.kind == "bad-response"


def test_a_text_that_is_too_long(
    serve: Callable[..., SpecServer], embedder: Callable[..., HuggingFaceEmbedder]
) -> None:
    text = "Input validation error: `inputs` must have less than 512 tokens. Given: 600"
    server = serve({EXTRACT: SpecAnswer({"error": text, "error_type": "Validation"}, 413)})
    with pytest.raises(ProviderError) as caught:
        embedder(server).embed(["x"])
    assert caught.value.kind == "context"


def test_wrong_options_name_the_setting(opsvi_services: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="is not a positive number") as caught:
        HuggingFaceEmbedder(opsvi_services("huggingface", batch=0))
    assert "opsvi config set parts.huggingface.batch" in caught.value.hint


def test_the_fingerprint_follows_what_changes_the_vectors(opsvi_services: Callable[..., Any]) -> None:
    def fingerprint(**options: Any) -> str:
        return HuggingFaceEmbedder(opsvi_services("huggingface", **options)).fingerprint

    changed = [{}, {"model": "x"}, {"query_prefix": "q"}, {"document_prefix": "q"}]
    assert len({fingerprint(**options) for options in changed}) == len(changed)
    assert fingerprint(batch=3, base_url="http://localhost") == fingerprint()
