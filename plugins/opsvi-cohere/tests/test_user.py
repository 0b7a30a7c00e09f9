"""The plugin as its user sees it: found, listed, checked, asked; and the SDK imported by the last of these alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wire
from conftest import KEY
from opsvi_cohere.plugin import OPSVI_API, opsvi_register
from test_vectors import EMBED, RERANK, _embedded, _ranked

from opsvi_cli.sdk import API, Registry


@pytest.fixture
def run(opsvi: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: str, url: str = "http://127.0.0.1:9", **env: str) -> Any:
        variables = {
            "OPSVI_PROVIDERS__COHERE__BASE_URL": url,
            "OPSVI_PARTS__COHERE__BASE_URL": url,
            "OPSVI_PARTS__COHERE__MODEL": "m",
            "OPSVI_RESILIENCE__RETRIES": "0",
            "CO_API_KEY": KEY,
        }
        if url.startswith("http://127."):
            variables["OPSVI_PROVIDERS__COHERE__API_KEY"] = variables["OPSVI_PARTS__COHERE__API_KEY"] = "env:CO_API_KEY"
        return opsvi(*args, env={**variables, **env})

    return call


def test_it_registers_the_parts_and_states_its_api() -> None:
    registry = Registry()
    opsvi_register(registry)
    for kind in ("provider", "embedder", "reranker"):
        assert [part.name for part in registry.parts(kind)] == ["cohere"]  # type: ignore[arg-type]
    assert OPSVI_API.split(".")[0] == str(API[0])


def test_the_sdk_is_imported_by_the_first_call_and_not_before() -> None:
    code = (
        "import sys; from types import SimpleNamespace\n"
        "import opsvi_cohere.plugin\n"
        "from opsvi_cohere.provider import Cohere\n"
        "from opsvi_cohere.embedder import CohereEmbedder\n"
        "from opsvi_cohere.reranker import CohereReranker\n"
        "from opsvi_cli.sdk import ModelRequest\n"
        "s = SimpleNamespace(options={}, name='cohere')\n"
        "p = Cohere(s); p.capabilities('x'); p.stream(ModelRequest('x', [])).close()\n"
        "e = CohereEmbedder(s); e.fingerprint, e.dimension; CohereReranker(s).rerank('x', [])\n"
        "assert not {'cohere', 'httpx', 'httpx2', 'pydantic', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_it_is_listed_with_its_permissions(run: Callable[..., Any]) -> None:
    row = next(row for row in run("plugins", "list", "--json").json if row["name"] == "cohere")
    assert (row["status"], row["version"]) == ("ok", "0.1.0")
    done = run("plugins", "info", "cohere", "--json")
    assert done.code == 0, done.err
    assert {"network", "secrets"} <= set(json.dumps(done.json).replace('"', " ").replace(",", " ").split())


def test_the_check_of_plugins(run: Callable[..., Any]) -> None:
    done = run("plugins", "check", "cohere")
    assert done.code == 0, done.out + done.err


def test_models_and_prompt(run: Callable[..., Any], serve: Callable[..., Any]) -> None:
    models = {"models": [{"name": wire.MODEL, "context_length": 256000}]}
    with serve({"POST /v2/chat": wire.said("Hel", "lo"), "GET /v1/models": models}) as server:
        listed = run("models", "cohere", "--json", url=server.url)
        assert listed.code == 0, listed.err
        assert [row["id"] for row in listed.json] == [f"cohere/{wire.MODEL}"]
        said = run("prompt", "hi", "-m", f"cohere/{wire.MODEL}", url=server.url)
        assert (said.code, said.out) == (0, "Hello\n")
        counted = run("prompt", "hi", "-m", f"cohere/{wire.MODEL}", "--json", "--no-stream", url=server.url)
        assert counted.code == 1  # a stream where none was asked for
        assert "content type" in counted.err + counted.out


def test_an_image_for_a_model_that_does_not_see_is_refused_before_a_request(
    run: Callable[..., Any], serve: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    with serve({"POST /v2/chat": wire.said("x")}) as server:
        done = run("prompt", "hi", "-a", str(tmp_path / "a.png"), "-m", f"cohere/{wire.MODEL}", url=server.url)
        assert done.code != 0
        assert "images" in done.err
        assert server.requests == []


def test_a_collection_is_embedded_searched_and_reranked(
    run: Callable[..., Any], serve: Callable[..., Any], tmp_path: Path
) -> None:
    for name, text in {"a": "soup with carrots", "b": "backups are kept for 35 days", "c": "disks"}.items():
        (tmp_path / f"{name}.txt").write_text(text)
    with serve({EMBED: _embedded, RERANK: _ranked}) as server:
        files = [str(tmp_path / f"{name}.txt") for name in "abc"]
        done = run("ingest", *files, "-c", "notes", "--embedder", "cohere", url=server.url)
        assert done.code == 0, done.err
        found = run("search", "backups kept", "-c", "notes", "--rerank", "cohere", "--json", url=server.url)
        assert found.code == 0, found.err
        assert "35 days" in found.json[0]["text"]
        assert found.json[0]["score"] == pytest.approx(2 / 3)


def test_failures_have_their_exit_codes_and_no_key(run: Callable[..., Any], serve: Callable[..., Any]) -> None:
    refused = wire.SpecAnswer({"message": f"invalid api token {KEY}"}, 401)
    cut = wire.stream([wire.begin(), *wire.content(0, "text", "half of it")], close=True)
    with serve({"POST /v2/chat": [refused, cut]}, check_answers=False) as server:
        done = run("prompt", "hi", "-m", f"cohere/{wire.MODEL}", url=server.url)
        assert done.code == 4
        assert KEY not in done.out + done.err
        done = run("prompt", "hi", "-m", f"cohere/{wire.MODEL}", url=server.url)
        assert done.code == 1
        assert "half of it" in done.out
    missing = run("prompt", "hi", "-m", "cohere/x", url="https://api.cohere.com", CO_API_KEY="")
    assert missing.code == 4
    assert "opsvi secrets set cohere" in missing.err


def test_doctor_misses_the_key_without_a_request(run: Callable[..., Any]) -> None:
    for key, code in ((KEY, 0), ("", 1)):
        found = run("doctor", "--json", url="https://api.cohere.com", OPSVI_MODEL="cohere/m", CO_API_KEY=key)
        row = next(row for row in found.json if row["name"] == "model")
        assert (found.code, row["status"]) == (code, "error" if code else "ok"), row
