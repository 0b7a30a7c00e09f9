"""The vendors' official API descriptions: each loads, lets a good request through, refuses what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from opsvi_cli.testing import SpecServer

USER = {"role": "user", "content": "Hello"}
ROBOT = {"role": "robot", "content": "Hello"}
CHAT: dict[str, Any] = {"model": "m", "messages": [USER]}
BEARER = {"authorization": "Bearer sk-test"}


@dataclass(frozen=True)
class Case:
    """`good` is a body that the document allows, `bad` what makes it wrong: a change, or a field to leave out."""

    file: str
    operation: str
    path: str
    good: dict[str, Any]
    bad: tuple[dict[str, Any] | str, ...]
    headers: dict[str, str] = field(default_factory=dict)
    credentials: tuple[str, ...] = ()


RERANK = {"model": "m", "query": "q", "documents": ["a"]}
HOT, ROLE, NUMBER = {"temperature": 9}, {"messages": [ROBOT]}, {"model": 5}
CASES = (
    Case("openai", "POST /chat/completions", "/chat/completions", CHAT, (HOT, ROLE, NUMBER, "messages"), BEARER),
    Case("openai", "POST /embeddings", "/embeddings", {"model": "m", "input": ["a"]}, (NUMBER, "input"), BEARER),
    Case("openai", "POST /moderations", "/moderations", {"model": "m", "input": "a"}, (NUMBER, "input"), BEARER),
    Case(
        "azure",
        "POST /openai/deployments/{deployment-id}/chat/completions",
        "/openai/deployments/d/chat/completions?api-version=2024-10-21",
        {"messages": [USER]},
        (HOT, ROLE, "messages"),
        {"api-key": "k"},
    ),
    Case("azure-v1", "POST /chat/completions", "/chat/completions", CHAT, (HOT, ROLE, NUMBER), {"api-key": "k"}),
    Case("mistral", "POST /v1/chat/completions", "/v1/chat/completions", CHAT, (HOT, ROLE, "messages"), BEARER),
    Case(
        "mistral",
        "POST /v1/chat/completions",
        "/v1/chat/completions",
        CHAT,
        ({"stream_options": {"include_usage": True}}, {"temperature": 1.6}),
        BEARER,
    ),
    Case(
        "anthropic",
        "POST /v1/messages",
        "/v1/messages",
        {**CHAT, "max_tokens": 10},
        (HOT, ROLE, NUMBER, "max_tokens"),
        {"x-api-key": "k", "anthropic-version": "2023-06-01"},
    ),
    Case("cohere", "POST /v2/chat", "/v2/chat", {**CHAT, "stream": False}, (ROLE, NUMBER, "messages"), BEARER),
    Case("cohere", "POST /v2/rerank", "/v2/rerank", RERANK, ("query",), BEARER),
    Case(
        "gemini",
        "POST /v1beta/models/{model}:generateContent",
        "/v1beta/models/gemini-x:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
        ({"contents": [{"parts": [{"text": 5}]}]}, {"generationConfig": {"temperature": "hot"}}, "contents"),
        {"x-goog-api-key": "k"},
        ("x-goog-api-key",),
    ),
    Case("ollama", "POST /api/chat", "/api/chat", CHAT, (ROLE, NUMBER, "messages")),
    Case("hf-tgi", "POST /v1/chat/completions", "/v1/chat/completions", CHAT, ({"messages": 5}, {"model": 5})),
    Case("hf-tei", "POST /embed", "/embed", {"inputs": ["a"]}, ({"inputs": {"a": 1}}, "inputs")),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}{case.path.partition('?')[0]}")
def test_good_requests_pass_and_bad_ones_do_not(shared_specs: Path, case: Case) -> None:
    document = shared_specs / "llm" / f"{case.file}-slice.json"
    with SpecServer(document, {case.operation: {"ok": True}}, credentials=case.credentials) as server:

        def send(body: dict[str, Any], headers: dict[str, str]) -> httpx2.Response:
            return httpx2.post(server.url + case.path, json=body, headers=headers, trust_env=False)

        assert send(case.good, case.headers).json() == {"ok": True}
        for bad in case.bad:
            body = {**case.good, **bad} if isinstance(bad, dict) else {k: v for k, v in case.good.items() if k != bad}
            refused = send(body, case.headers)
            assert refused.status_code == 422, f"{bad} was let through"
            assert server.requests[-1].reasons
        if "authorization" in case.headers or case.credentials:
            assert send(case.good, {}).status_code == 401


def test_every_document_loads(shared_specs: Path) -> None:
    documents = sorted((shared_specs / "llm").glob("*.json"))
    assert documents
    for document in documents:
        with SpecServer(document, {}) as server:
            assert httpx2.get(server.root + "/nowhere", trust_env=False).status_code == 404
