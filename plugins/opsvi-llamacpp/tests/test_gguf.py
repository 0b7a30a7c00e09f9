"""GGUF files as models and embedders, with llama.cpp's own server and a model of random weights."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import servers
from opsvi_llamacpp import servers as started
from opsvi_llamacpp.embedder import GgufEmbedder
from opsvi_llamacpp.provider import Gguf
from opsvi_llamacpp.reranker import GgufReranker

from opsvi_cli.sdk import ModelRequest, StreamEvent
from opsvi_cli.testing import check_embedder, check_provider, check_reranker

Run = Callable[..., Any]
SCHEMA = {
    "type": "object",
    "properties": {"yes": {"type": "boolean"}, "digit": {"enum": [1, 2, 3]}},
    "required": ["yes", "digit"],
    "additionalProperties": False,
}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Servers started by a test end with it."""
    before = set(servers())
    yield
    deadline = time.monotonic() + 20
    while (left := set(servers()) - before) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def test_it_is_listed_and_sound(run: Run) -> None:
    plugins = json.loads(run("plugins", "list", "--json").stdout)
    (mine,) = [plugin for plugin in plugins if plugin["name"] == "llamacpp"]
    assert mine["status"] == "ok", mine
    models = json.loads(run("models", "gguf", "--json").stdout)
    assert [model["id"] for model in models] == ["gguf/broken", "gguf/judge", "gguf/text", "gguf/tiny"]


def test_an_answer_by_name_and_by_path(run: Run, models: Path) -> None:
    for name in ("gguf/tiny", f"gguf/{models / 'tiny.gguf'}"):
        done = run("prompt", "Say something", "-m", name, "--max-tokens", "8", "--temperature", "0", "--json")
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert answer["usage"]["output_tokens"] == 8 or answer["finish"] == "stop"
        assert answer["model"] == name
    streamed = run("prompt", "Say something", "-m", "gguf/tiny", "--max-tokens", "8", "--temperature", "0")
    assert streamed.stdout.strip()


def test_a_schema_is_forced(run: Run) -> None:
    done = run("prompt", "x", "-m", "gguf/tiny", "--schema", json.dumps(SCHEMA), "--max-tokens", "200", "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["answer"]) == {"yes", "digit"}


@pytest.mark.parametrize(
    ("model", "code", "says"),
    [
        ("gguf/none", 1, "there is no file 'none'"),
        ("gguf/text", 1, "is no GGUF file"),
        ("gguf/broken", 1, "cannot be loaded: "),
        ("gguf", 2, "no model is named"),
    ],
)
def test_what_is_no_model(run: Run, model: str, code: int, says: str) -> None:
    done = run("prompt", "x", "-m", model)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_and_too_long_a_text(run: Run) -> None:
    done = run("prompt", "x", "-m", "gguf/tiny", OPSVI_PROVIDERS__GGUF__CONTEXT="-1")
    assert done.returncode == 2
    assert "context -1 is not a number" in done.stderr
    done = run("prompt", "word " * 3000, "-m", "gguf/tiny", "--max-tokens", "4")
    assert done.returncode == 1
    assert "gguf/tiny at http://127.0.0.1" in done.stderr
    assert "too long for this model" in done.stderr


def test_the_deadline_of_the_run_holds_while_a_model_is_loaded(run: Run) -> None:
    done = run("prompt", "x", "-m", "gguf/tiny", "--timeout", "50ms")
    assert done.returncode == 124


def test_a_kept_server_serves_the_next_run_and_ends_when_idle(run: Run, opsvi_home: Path) -> None:
    keep = {"OPSVI_PROVIDERS__GGUF__KEEP_ALIVE": "600"}
    args = ("prompt", "x", "-m", "gguf/tiny", "--max-tokens", "8")
    before = set(servers())
    assert run(*args, **keep).returncode == 0
    (first,) = set(servers()) - before
    assert run(*args, **keep).returncode == 0
    assert set(servers()) - before == {first}
    (key,) = opsvi_home.rglob("llamacpp/*/key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    os.kill(first, signal.SIGKILL)
    assert run(*args, **keep).returncode == 0, "a server that died is started anew"
    os.utime(key.with_name("used"), (0, 0))  # as if it had not been used for long: it ends, which the fixture awaits


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_server_ends_with_its_run(number: int, opsvi_home: Path, models: Path, tmp_path: Path) -> None:
    before = set(servers())
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "opsvi_cli",
            "prompt",
            "x",
            "-m",
            f"gguf/{models / 'tiny.gguf'}",
            "--max-tokens",
            "100000",
        ],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OPSVI_PROVIDERS__GGUF__CONTEXT": "100000"},
    )
    assert child.stdout is not None
    assert child.stdout.read(1)
    assert set(servers()) - before
    child.send_signal(number)
    child.communicate(timeout=30)
    assert child.returncode in (130, -signal.SIGKILL)


class Brief(Gguf):
    """Random weights never come to an end by themselves: at the end of its context llama.cpp may fail to read them."""

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        yield from super().stream(replace(request, max_tokens=24, temperature=0.0))


def test_contracts(opsvi_services: Callable[..., Any], models: Path) -> None:
    try:
        check_provider(Brief(opsvi_services("gguf", models=str(models), threads=1)), model="tiny")
        check_embedder(GgufEmbedder(opsvi_services("gguf", models=str(models), model="tiny", threads=1)))
        check_reranker(GgufReranker(opsvi_services("gguf", models=str(models), rerank_model="judge", threads=1)))
    finally:
        for _, child in started._here.values():
            child.kill()
            child.wait()
        started._here.clear()


def test_search_with_vectors_of_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Backups are kept for 35 days.")
    assert run("ingest", "a.md", "--embedder", "gguf:tiny").returncode == 0
    found = json.loads(run("search", "backups", "--mode", "dense", "--json").stdout)
    assert "35 days" in found[0]["text"]


def test_passages_in_the_order_of_a_file(run: Run, tmp_path: Path) -> None:
    """Scores of a random model mean nothing; that they come, and that long passages and questions are cut, does."""
    for name, length in (("a", 1), ("b", 5), ("c", 60)):
        (tmp_path / f"{name}.md").write_text(f"Backups {name} are kept for 35 days. " * length)
    assert run("ingest", "a.md", "b.md", "c.md", "--embedder", "hash").returncode == 0
    for question in ("backups", "backups and " * 100):
        done = run("search", question, "--rerank", "gguf:judge", "--json")
        assert done.returncode == 0, done.stderr
        scores = [hit["score"] for hit in json.loads(done.stdout)]
        assert scores == sorted(scores, reverse=True)
        assert len(set(scores)) > 1
    nameless = run("search", "backups", "--rerank", "gguf")
    assert nameless.returncode == 2
    assert "hint: opsvi config set parts.gguf.rerank_model PATH" in nameless.stderr
