"""`opsvi tokens`: exact where the server can tell, else an estimate that says so."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "golden" / "tokens.schema.json").read_text())
Run = Callable[..., Any]


def count(run: Run, *args: str, **more: Any) -> Any:
    found = run("tokens", *args, "--json", **more).json
    jsonschema.validate(found, SCHEMA)
    return found


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("abcd", 1), ("abcde", 2), ("日本語のテキスト", 8), ("한국어 ab", 4)]
)
def test_the_estimate(opsvi: Run, text: str, tokens: int) -> None:
    found = count(opsvi, "-", stdin=text)
    assert (found["tokens"], found["exact"], found["model"], found["cost"]) == (tokens, False, None, None)
    assert opsvi("tokens", stdin=text).out == f"~{tokens} tokens\n"


def test_files_and_texts(opsvi: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x" * 400)
    found = count(opsvi, "notes.txt", "hello you", "-", stdin="piped")
    assert [(text["source"], text["tokens"]) for text in found["texts"]] == [
        ("notes.txt", 100),
        ("text", 3),
        ("stdin", 2),
    ]
    assert found["tokens"] == 105
    assert opsvi("tokens", "notes.txt", "hi").out.splitlines() == ["~100\tnotes.txt", "~1\ttext", "~101 tokens"]
    assert count(opsvi, "y" * 4000)["tokens"] == 1000
    (tmp_path / "image.bin").write_bytes(b"\xff\xfe\x00")
    wrong = opsvi("tokens", "image.bin")
    assert (wrong.code, "not UTF-8 text" in wrong.err) == (2, True)


def test_a_name_is_not_counted_in_place_of_its_file(opsvi: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for given in ("notes.md", "src/main.py", "./x", "many/*"):
        done = opsvi("tokens", given)
        assert (done.code, done.out) == (2, ""), given
        assert f"{given}: no such file" in done.err
    assert "is a folder" in opsvi("tokens", "folder").err
    for text in ("word", "e.g.", "1.5", "see notes.md", "", "a/b+" * 100):
        assert opsvi("tokens", text).code == 0, text
    assert opsvi("tokens", "-", "-", stdin="x").code == 2


def test_bytes_are_not_counted_as_text(opsvi: Run) -> None:
    done = opsvi("tokens", stdin=b"\x89PNG\x00")
    assert (done.code, done.out) == (2, "")
    assert "stdin is binary data" in done.err
    stray = opsvi("tokens", stdin=b"caf\xe9")
    assert (stray.code, stray.out) == (0, "~1 tokens\n")
    assert "stdin is not all UTF-8" in stray.err


@pytest.mark.skipif(os.name != "posix", reason="named pipes")
def test_a_pipe_is_read(opsvi: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("x" * 400,))
    writer.start()
    assert opsvi("tokens", "pipe").out == "~100 tokens\n"
    writer.join()


def test_window_and_cost(opsvi: Run) -> None:
    env = {"OPENAI_API_KEY": "sk-tokens-0123456789"}
    found = count(opsvi, "x" * 4_000_000, "-m", "openai/gpt-4o-mini", env=env)
    assert (found["context_window"], found["share"]) == (128_000, 7.8125)
    assert found["cost"] == pytest.approx(0.15)
    assert found["prices"]["table"].startswith("genai-prices")
    said = opsvi("tokens", "x" * 4000, "-m", "openai/gpt-4o-mini", env=env)
    assert said.out == "~1000 tokens, 0.8% of the 128000 that openai/gpt-4o-mini reads, input costs ~$0.00015\n"
    assert "newest of 20" in said.err
    assert opsvi("tokens", "hi", "-m", "openai/gpt-of-nobody", env=env).out == "~1 tokens, cost unknown\n"
    assert opsvi("tokens", "hi", "-m", "echo").out == "~1 tokens, input costs $0\n"


def test_a_real_server_tells(opsvi: Run, llama_server: Any) -> None:
    env = {"OPSVI_PROVIDERS__OPENAI__API_KEY": "env:LLAMA_KEY", "LLAMA_KEY": llama_server.key}
    where = ("-m", llama_server.model, "--base-url", llama_server.url)
    found = count(opsvi, "hello there", *where, env=env)
    assert found["exact"] is True
    assert found["tokens"] > 0
    assert found["context_window"] > found["tokens"]
    assert found["cost"] is None, "a server that wants a key may cost something"
    assert not opsvi("tokens", "hello there", *where, env=env).out.startswith("~")


def test_a_server_that_does_not_count(opsvi: Run, fault_server: Any) -> None:
    found = count(opsvi, "hello there", "-m", "m", "--base-url", fault_server.url("ok"))
    assert (found["tokens"], found["exact"], found["cost"]) == (3, False, 0)
