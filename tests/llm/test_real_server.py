"""The `openai` provider and embedder against llama.cpp's own server, with a tiny model of random weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy
import pytest

ENV = {
    "OPSVI_PROVIDERS__OPENAI__API_KEY": "env:OPENAI_API_KEY",
    "OPSVI_HTTP__READ_TIMEOUT": "60",
    "OPSVI_RESILIENCE__RETRIES": "0",
}
SCHEMA = {
    "type": "object",
    "properties": {"yes": {"type": "boolean"}, "digit": {"enum": [1, 2, 3]}},
    "required": ["yes", "digit"],
    "additionalProperties": False,
}


@pytest.fixture
def ask(opsvi: Callable[..., Any], llama_server: Any) -> Callable[..., Any]:
    def call(*args: str, key: str = llama_server.key, **options: Any) -> Any:
        where = ("-m", llama_server.model, "--base-url", llama_server.url)
        return opsvi("prompt", *args, *where, "--temperature", "0", env={**ENV, "OPENAI_API_KEY": key}, **options)

    return call


def test_streaming_and_not_give_the_same(ask: Callable[..., Any]) -> None:
    streamed = ask("Say something", "--max-tokens", "12")
    whole = ask("Say something", "--max-tokens", "12", "--no-stream")
    assert streamed.code == whole.code == 0, streamed.err
    assert streamed.out == whole.out != ""


def test_usage_is_counted(ask: Callable[..., Any]) -> None:
    for flags in ((), ("--no-stream",)):
        done = ask("Say something", "--max-tokens", "12", "--json", *flags)
        assert done.code == 0, done.err
        assert done.json["usage"]["input_tokens"] > 10
        assert 0 < done.json["usage"]["output_tokens"] <= 12
        assert done.json["finish"] in ("stop", "length")


def test_a_schema_is_followed(ask: Callable[..., Any]) -> None:
    done = ask("Answer", "--schema", json.dumps(SCHEMA), "--max-tokens", "200", "--json")
    assert done.code == 0, done.err
    assert set(done.json["answer"]) == {"yes", "digit"}
    assert done.json["answer"]["digit"] in (1, 2, 3)


def test_a_wrong_key_is_refused(ask: Callable[..., Any]) -> None:
    done = ask("hi", key="sk-wrong-0123456789abcdef")
    assert done.code == 4
    assert "the key was refused (401)" in done.err
    assert "sk-wrong" not in done.err


def test_a_text_that_is_too_long_is_refused(ask: Callable[..., Any]) -> None:
    done = ask("word " * 3000)
    assert done.code == 1
    assert "the text is too long for this model" in done.err


def test_the_only_model_needs_no_name(opsvi: Callable[..., Any], llama_server: Any) -> None:
    env = {**ENV, "OPENAI_API_KEY": llama_server.key}
    done = opsvi("prompt", "hi", "--base-url", llama_server.url, "--max-tokens", "4", "--json", env=env)
    assert done.code == 0, done.err
    assert done.json["model"] == "openai/tiny"


def test_models_are_listed(opsvi: Callable[..., Any], llama_server: Any) -> None:
    env = {**ENV, "OPENAI_API_KEY": llama_server.key, "OPSVI_PROVIDERS__OPENAI__BASE_URL": llama_server.url}
    done = opsvi("models", "openai", "--json", env=env)
    assert done.code == 0, done.err
    assert [row["id"] for row in done.json] == ["openai/tiny"]


def test_embeddings(part: Callable[..., Any], llama_embeddings: Any) -> None:
    embedder = part(model="tiny", base_url=llama_embeddings.url, key=llama_embeddings.key, batch=2)
    assert embedder.dimension == 64
    texts = ["one text", "another one", "", "one text", "a third text"]
    rows = embedder.embed(texts)
    assert rows.shape == (5, 64)
    assert rows.dtype == numpy.float32
    norms = numpy.linalg.norm(rows, axis=1)
    assert numpy.allclose(norms[[0, 1, 3, 4]], 1, atol=1e-5)
    assert norms[2] == 0
    assert numpy.allclose(rows[0], rows[3], atol=1e-3)
    assert not numpy.allclose(rows[0], rows[1], atol=1e-3)


def test_presets_and_names_of_ones_own(opsvi: Callable[..., Any], llama_server: Any) -> None:
    env = {
        **ENV,
        "LLAMA_KEY": llama_server.key,
        "OPSVI_PROVIDERS__LLAMA_SERVER__BASE_URL": llama_server.url,
        "OPSVI_PROVIDERS__LLAMA_SERVER__API_KEY": "env:LLAMA_KEY",
        "OPSVI_PROVIDERS__MYBOX__PRESET": "llama-server",
        "OPSVI_PROVIDERS__MYBOX__BASE_URL": llama_server.url,
        "OPSVI_PROVIDERS__MYBOX__API_KEY": "env:LLAMA_KEY",
    }
    for name in ("llama-server", "mybox"):
        for flags in ((), ("--no-stream",)):
            done = opsvi(
                "prompt", "Say something", "-m", f"{name}/tiny", "--max-tokens", "6", "--json", *flags, env=env
            )
            assert done.code == 0, done.err
            assert done.json["model"] == f"{name}/tiny"
            assert done.json["usage"]["output_tokens"] > 0
    strictly = ("--schema", json.dumps(SCHEMA), "--temperature", "0")
    done = opsvi("prompt", "Answer", "-m", "mybox/tiny", *strictly, "--max-tokens", "200", "--json", env=env)
    assert done.code == 0, done.err
    assert set(done.json["answer"]) == {"yes", "digit"}
    assert opsvi("prompt", "x", "-m", "mybox/tiny", env={**env, "LLAMA_KEY": "wrong"}).code == 4
    keyless = opsvi("prompt", "x", "-m", "mybox/tiny", env={**env, "OPSVI_PROVIDERS__MYBOX__API_KEY": ""})
    assert keyless.code == 4
    assert "a key is needed" in keyless.err
    assert "providers.mybox.api_key" in keyless.err


def test_base64_vectors_are_the_same(part: Callable[..., Any], llama_embeddings: Any) -> None:
    options = {"model": "tiny", "base_url": llama_embeddings.url, "key": llama_embeddings.key}
    plain, packed = part(**options, base64=False), part(**options, base64=True)
    assert numpy.allclose(plain.embed(["a text", "another"]), packed.embed(["a text", "another"]), atol=1e-6)


def test_a_batch(opsvi: Callable[..., Any], llama_server: Any, tmp_path: Any) -> None:
    lines = [json.dumps({"id": n, "prompt": f"Text {n}", "max_tokens": 4}) for n in range(6)]
    (tmp_path / "p.jsonl").write_text("\n".join(lines))
    where = ("-m", "tiny", "--base-url", llama_server.url)
    env = {**ENV, "OPENAI_API_KEY": llama_server.key}
    done = opsvi("batch", "p.jsonl", "-o", "r.jsonl", *where, "--jobs", 3, "--json", env=env)
    assert (done.code, done.json["done"], done.json["usage"]["output_tokens"]) == (0, 6, 24), done.err
