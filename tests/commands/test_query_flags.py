"""The flags of `opsvi query` that are settings of the run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ENV = {"OPENAI_API_KEY": "sk-flags-0123456789abcdef", "OPSVI_RESILIENCE__BREAKER_FAILURES": "0"}


@pytest.fixture
def query(opsvi: Callable[..., Any], fault_server: Any) -> Callable[..., Any]:
    def call(fault: str, *args: str) -> Any:
        return opsvi("query", "hi", "-m", "openai/m", "--base-url", fault_server.url(fault), *args, env=ENV)

    return call


def test_fallback_and_who_answered(query: Callable[..., Any], fault_server: Any) -> None:
    done = query("500-forever", "--retries", "0", "--fallback", "nobody/x, echo", "--json")
    assert (done.code, fault_server.count("500-forever")) == (2, 0)  # a model that is not there is said at once
    done = query("500-forever", "--retries", "0", "--fallback", "echo/echo", "--json")
    assert done.code == 0, done.err
    assert done.json["model"] == "echo/echo"
    assert "openai/m cannot answer, echo/echo is asked instead: " in done.err
    assert fault_server.count("500-forever") == 1


@pytest.mark.parametrize("fault", ["401-echoes-key", "429-quota", "context-length", "400-filter", "html-200"])
def test_no_fallback_for_what_another_try_does_not_mend(fault: str, query: Callable[..., Any]) -> None:
    done = query(fault, "--fallback", "echo/echo")
    assert done.code in (1, 4)
    assert "is asked instead" not in done.err


def test_retries(query: Callable[..., Any], fault_server: Any) -> None:
    assert query("500-then-ok", "--retries", "0").code == 1
    assert query("cut-then-ok", "--retries", "1").code == 0
    assert query("429-then-ok", "--retries", "-1").code == 2


def test_cache(query: Callable[..., Any], fault_server: Any) -> None:
    assert query("ok", "--cache").out == query("ok", "--cache").out
    assert fault_server.count("ok") == 1
    query("ok", "--no-cache")
    assert fault_server.count("ok") == 2


def test_values_that_a_setting_does_not_take(query: Callable[..., Any]) -> None:
    for flag, value in (("--pii", "maybe"), ("--max-cost", "-1"), ("--retries", "many")):
        done = query("ok", flag, value)
        assert done.code == 2, flag
        assert "hint: " in done.err


@pytest.mark.parametrize("command", ["query", "chat"])
def test_instructions_from_a_file_as_in_prompt(command: str, opsvi: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "kind.txt").write_text("Speak kindly.\n")
    (tmp_path / "facts.txt").write_text("Backups are kept for 35 days.\n")
    assert opsvi("ingest", "facts.txt").code == 0
    words = [command, "How long?"] if command == "query" else [command]
    done = opsvi(*words, "--system", "@kind.txt", "-m", "echo", "--no-stream", stdin="How long?\n")
    assert done.code == 0, done.err
    log = opsvi("logs", "show", "last", "--json").json
    assert log["messages"][0]["text"].startswith("Speak kindly.")
    missing = opsvi(*words, "--system", "@nobody.txt", "-m", "echo", stdin="How long?\n")
    assert (missing.code, "--system @nobody.txt" in missing.err) == (2, True)
