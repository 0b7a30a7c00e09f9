"""Servers that answer a request for vectors badly, through `opsvi embed`: an error, and no vector on stdout."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from servers.fault_server import FAULTS

KEY = "sk-embed-0123456789abcdef"
WRONG = {
    "embeddings-wrong-dimension": "differ in length",
    "embeddings-other-dimension": "vectors have 4 numbers where 3 were expected",
    "embeddings-missing": "0 vectors came for 1 texts",
    "embeddings-twice": "2 vectors came for 1 texts",
    "embeddings-same-index": "not numbered 0, 1, 2, ...",
    "embeddings-nan": "not finite",
    "embeddings-infinite": "not finite",
    "embeddings-zero": "a vector is zero",
    "embeddings-text": "no lists of numbers",
    "embeddings-null": "no lists of numbers",
    "embeddings-empty": "0 vectors came for",
}
AS_EVERYWHERE = {
    "401-echoes-key": 4,
    "404-model": 1,
    "429-quota": 1,
    "500-forever": 1,
    "slow-first-byte": 124,
    "close-at-once": 1,
    "truncated-body": 1,
    "truncated-json": 1,
    "gzip-garbage": 1,
    "huge-body": 1,
    "html-200": 1,
    "json-null": 1,
    "redirect-other-host": 1,
}


@pytest.fixture
def embed(opsvi: Callable[..., Any], fault_server: Any) -> Callable[..., Any]:
    def call(fault: str, *texts: str) -> Any:
        env = {
            "OPENAI_API_KEY": KEY,
            "OPSVI_PARTS__OPENAI__API_KEY": "env:OPENAI_API_KEY",
            "OPSVI_PARTS__OPENAI__BASE_URL": fault_server.url(fault),
            "OPSVI_PARTS__OPENAI__MODEL": "m",
            "OPSVI_HTTP__FIRST_BYTE_TIMEOUT": "0.6",
            "OPSVI_RESILIENCE__RETRIES": "0",
        }
        return opsvi("embed", "--embedder", "openai", *texts, env=env)

    return call


def test_every_fault_of_vectors_has_a_case() -> None:
    assert {name for name in FAULTS if name.startswith("embeddings-")} == {*WRONG, "embeddings-shuffled"}


@pytest.mark.parametrize("fault", [*WRONG, *AS_EVERYWHERE])
def test_a_bad_answer_is_an_error(fault: str, embed: Callable[..., Any], fault_server: Any) -> None:
    done = embed(fault, "first", "second")
    assert done.code == AS_EVERYWHERE.get(fault, 1), done.err
    assert done.out == ""
    assert WRONG.get(fault, "") in done.err
    lines = done.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["opsvi", "hint"], lines
    assert fault_server.url(fault) in lines[0]
    assert KEY not in done.err


def test_vectors_out_of_order_are_put_in_order(embed: Callable[..., Any]) -> None:
    straight, shuffled = embed("ok", "a", "aeiou", "xyz"), embed("embeddings-shuffled", "a", "aeiou", "xyz")
    assert straight.code == shuffled.code == 0
    assert [json.loads(line) for line in straight.out.splitlines()] == [
        json.loads(line) for line in shuffled.out.splitlines()
    ]
