"""The rerankers of servers with an endpoint /rerank: what is sent, what is checked, and a real llama.cpp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from opsvi_cli.errors import CredentialsError, ProviderError, UsageError
from opsvi_cli.sdk import Hit
from opsvi_cli.testing import SpecAnswer, SpecServer

PATH = "POST /rerank"
SPEC: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "rerank", "version": "1"},
    "servers": [{"url": "/v1"}],
    "paths": {
        "/rerank": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["query", "documents"],
                                "additionalProperties": False,
                                "properties": {
                                    "model": {"type": "string", "minLength": 1},
                                    "query": {"type": "string", "minLength": 1},
                                    "documents": {
                                        "type": "array",
                                        "minItems": 1,
                                        "items": {"type": "string", "minLength": 1},
                                    },
                                },
                            }
                        }
                    },
                },
                "responses": {"200": {"description": "scores"}},
            }
        }
    },
}


def hit(text: str) -> Hit:
    return Hit(1, 1.0, text, "/a.md", "a", "a.0", "", None, None, 0, len(text), {})


def ranked(request: Any) -> SpecAnswer:
    """The longest first, as servers send them: with the place where each stood."""
    scores = [{"index": n, "relevance_score": len(text) / 10} for n, text in enumerate(request.body["documents"])]
    return SpecAnswer({"results": sorted(scores, key=lambda score: -score["relevance_score"])})


def test_scores_go_back_to_their_hits(part: Callable[..., Any]) -> None:
    with SpecServer(SPEC, {PATH: ranked}) as server:
        reranker = part("reranker", "vllm", base_url=server.url, rerank_model="bge")
        assert reranker.rerank("q", [hit("four"), hit(" "), hit("longest"), hit("\ud83d")]) == [0.4, 0.1, 0.7, 0.1]
        assert [request.body for request in server.requests] == [
            {"query": "q", "documents": ["four", "longest", "?"], "model": "bge"}
        ]
        assert reranker.rerank(" ", [hit("x"), hit("y")]) == [0.0, 0.0]
        assert reranker.rerank("x", []) == []
        assert len(server.requests) == 1


def test_a_server_of_ones_own_name_in_batches_and_cut(part: Callable[..., Any]) -> None:
    with SpecServer(SPEC, {PATH: ranked}) as server:
        env = {"OPSVI_PARTS__MYBOX__PRESET": "llama-server"}
        mybox = part("reranker", "mybox", env=env, preset="llama-server", base_url=server.url, rerank_characters=3)
        assert mybox.rerank("query", [hit("x" * n) for n in range(1, 131)]) == [0.1, 0.2, *[0.3] * 128]
        bodies = [request.body for request in server.requests]
    assert [len(body["documents"]) for body in bodies] == [100, 30]
    assert [set(body) for body in bodies] == [{"query", "documents"}] * 2
    assert bodies[0]["query"] == "que"


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"results": None},
        {"results": [{"index": 0, "relevance_score": 1}]},
        {"results": [{"index": 0, "relevance_score": 1}] * 2},
        {"results": [{"index": 0, "relevance_score": 1}, {"index": -1, "relevance_score": 1}]},
        {"results": [{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": "high"}]},
        {"results": [{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": 10**400}]},
        {"results": [1, 2]},
    ],
)
def test_strange_scores_are_refused(part: Callable[..., Any], body: Any) -> None:
    with SpecServer(SPEC, {PATH: SpecAnswer(body)}) as server, pytest.raises(ProviderError) as caught:
        part("reranker", "vllm", base_url=server.url).rerank("q", [hit("a"), hit("b")])
    assert caught.value.kind == "bad-response"
    assert "vllm at http" in caught.value.message


@pytest.mark.parametrize(
    ("answer", "error", "kind"),
    [
        (SpecAnswer("<html>log in</html>", headers={"content-type": "text/html"}), ProviderError, "bad-response"),
        (SpecAnswer({"error": "no"}, status=401), CredentialsError, ""),
        (SpecAnswer({"error": "busy"}, status=429), ProviderError, "rate"),
        (SpecAnswer({"error": "broken"}, status=500), ProviderError, "server"),
        (SpecAnswer({"error": "no such path"}, status=404), ProviderError, "not-found"),
    ],
)
def test_failures_are_those_of_every_server(
    part: Callable[..., Any], answer: SpecAnswer, error: type[Exception], kind: str
) -> None:
    with SpecServer(SPEC, {PATH: answer}) as server, pytest.raises(error) as caught:
        part("reranker", "llama-server", base_url=server.url).rerank("q", [hit("a")])
    assert getattr(caught.value, "kind", "") == kind


@pytest.mark.parametrize("value", [0, -1, True, "many"])
def test_a_wrong_setting_is_said(part: Callable[..., Any], value: object) -> None:
    with pytest.raises(UsageError, match="rerank_characters"):
        part("reranker", "vllm", rerank_characters=value)


def test_a_real_server(opsvi: Callable[..., Any], llama_reranker: Any, tmp_path: Any) -> None:
    """Scores of a random model mean nothing; that the passages stand in their order does."""
    for name in ("backups", "duty", "soup"):
        (tmp_path / f"{name}.md").write_text(f"Words about {name}, and what they are kept for.")
    assert opsvi("ingest", *sorted(tmp_path.glob("*.md"))).code == 0
    env = {
        "LLAMA_KEY": llama_reranker.key,
        "OPSVI_PARTS__LLAMA_SERVER__RERANK_URL": llama_reranker.url,
        "OPSVI_PARTS__LLAMA_SERVER__API_KEY": "env:LLAMA_KEY",
    }
    plain = opsvi("search", "what is kept", "--json", env=env)
    flag = opsvi("search", "what is kept", "--rerank", "llama-server", "--json", env=env)
    assert flag.code == 0, flag.err
    scores = {row["source"]: row["score"] for row in flag.json}
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert scores != {row["source"]: row["score"] for row in plain.json}
    env["OPSVI_RETRIEVAL__RERANK"] = "llama-server"
    assert opsvi("search", "what is kept", "--json", env=env).json == flag.json
    assert opsvi("search", "what is kept", "--rerank", "none", "--json", env=env).json == plain.json
    long = opsvi("search", "what " * 300, "--json", env=env)
    assert long.code == 1
    assert "too long for this model" in long.err
    assert "opsvi config set parts.llama-server.rerank_characters 2000" in long.err


def test_it_is_counted_and_held_to_budgets_and_personal_data(opsvi: Callable[..., Any], tmp_path: Any) -> None:
    (tmp_path / "a.md").write_text("Backups are kept for 35 days.")
    assert opsvi("ingest", "a.md", "--embedder", "hash").code == 0
    with SpecServer(SPEC, {PATH: ranked}) as server:
        env = {
            "OPSVI_RETRIEVAL__RERANK": "vllm:judge",
            "OPSVI_PARTS__VLLM__BASE_URL": server.url,
            "OPSVI_PARTS__VLLM__API_KEY": "env:K",
            "K": "k-0123456789",
        }
        assert opsvi("search", "backups", env=env).code == 0
        (row,) = opsvi("usage", "--by", "model", "--json", env=env).json["rows"]
        assert (row["model"], row["calls"], row["cost"]) == ("vllm/judge", 1, None)
        assert row["input_tokens"] > 5
        assert (
            opsvi(
                "search", "backups", env={**env, "OPSVI_BUDGET__PER_DAY": "1", "OPSVI_BUDGET__UNKNOWN_PRICE": "refuse"}
            ).code
            == 5
        )
        blocked = opsvi("search", "mail ana@example.org", env={**env, "OPSVI_SAFETY__PII": "block"})
        assert blocked.code == 1
        assert "the question holds personal data" in blocked.err
        marked = opsvi("search", "mail ana@example.org", env={**env, "OPSVI_SAFETY__PII": "redact"})
        assert marked.code == 0
        queries = [request.body["query"] for request in server.requests]
    assert queries == ["backups", "mail [EMAIL_1]"]
