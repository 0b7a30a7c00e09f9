"""Answers that are given again: to whom, and to whom not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KEY = "sk-cache-0123456789abcdef"
ENV = {
    "OPENAI_API_KEY": KEY,
    "OPSVI_PROVIDERS__OPENAI__API_KEY": "env:OPENAI_API_KEY",
    "OPSVI_ANSWERS__CACHE": "true",
    "OPSVI_RESILIENCE__RETRIES": "0",
}
ANSWER = "Hello from the server.\n"


@pytest.fixture
def ask(opsvi: Callable[..., Any], fault_server: Any) -> Callable[..., Any]:
    def call(text: str, *args: str, fault: str = "ok", **env: str) -> Any:
        url = fault_server.url(fault)
        return opsvi("prompt", text, "-m", "openai/m", "--base-url", url, *args, env={**ENV, **env})

    return call


def test_the_same_request_is_answered_once(ask: Callable[..., Any], fault_server: Any, home: Path) -> None:
    asked = ask("hi", "--json").json
    again = ask("hi", "--json").json
    assert (again["answer"], again["model"], again["finish"]) == (asked["answer"], asked["model"], asked["finish"])
    assert (asked["usage"]["input_tokens"], again["usage"]["input_tokens"]) == (7, 0)
    streamed, whole = ask("hi"), ask("hi", "--no-stream")
    assert (streamed.out, streamed.err, whole.out) == (ANSWER, "", ANSWER)
    assert fault_server.count("ok") == 1
    with sqlite3.connect(home / "state" / "state.db") as db:
        rows = db.execute("SELECT outcome, count(*), sum(input_tokens), sum(cost) FROM usage GROUP BY 1 ORDER BY 1")
        assert rows.fetchall() == [("cached", 3, 0, 0.0), ("ok", 1, 7, None)]
    (path,) = home.rglob("cache.db")
    assert path.stat().st_mode & 0o777 == 0o600
    assert KEY not in "\n".join(sqlite3.connect(path).iterdump())


def test_what_was_saved_is_in_usage(ask: Callable[..., Any], opsvi: Callable[..., Any], home: Path) -> None:
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config" / "config.toml").write_text("[providers.openai.prices]\nm = {input = 1000, output = 2000}\n")
    for _ in range(3):
        ask("hi")
    (row,) = opsvi("usage", "--by", "model", "--json").json["rows"]
    assert (row["calls"], row["failed"], row["from_cache"], row["input_tokens"]) == (1, 0, 2, 7)
    assert (row["cost"], row["saved"]) == (pytest.approx(0.017), pytest.approx(0.034))
    assert "2 answers came from the cache, and saved $0.0340" in opsvi("usage").err
    assert len(opsvi("logs", "list", "--json").json) == 1


@pytest.mark.parametrize(
    "other",
    [
        ("hi!",),
        ("hi", "--system", "Be short"),
        ("hi", "--temperature", "0.5"),
        ("hi", "--max-tokens", "50"),
        ("hi", "--schema", '{"type": "object"}'),
        ("hi", "-m", "openai/n"),
        ("hi", "-a", "note.txt"),
    ],
    ids=lambda args: args[-1],
)
def test_another_request_is_another_question(
    other: tuple[str, ...], ask: Callable[..., Any], fault_server: Any, tmp_path: Path
) -> None:
    (tmp_path / "note.txt").write_text("a note")
    ask("hi", fault="ok-json")
    ask(*other, fault="ok-json")
    assert fault_server.count("ok-json") == 2
    ask("hi")  # another address
    assert fault_server.count("ok") == 1


def test_only_with_the_setting_and_not_for_ever(ask: Callable[..., Any], fault_server: Any) -> None:
    ask("hi")
    ask("hi", OPSVI_ANSWERS__CACHE="false")
    assert fault_server.count("ok") == 2
    ask("bye", OPSVI_ANSWERS__TTL_HOURS="0")
    ask("bye")
    assert fault_server.count("ok") == 4


@pytest.mark.parametrize(
    "fault", ["length", "content-filter", "refusal", "eof-no-done", "cut-mid-stream", "white-space"]
)
def test_what_is_not_whole_is_not_kept(fault: str, ask: Callable[..., Any], fault_server: Any) -> None:
    for _ in range(2):
        assert ask("hi", fault=fault).code == 1
    assert fault_server.count(fault) == 2
    for _ in range(2):
        assert ask("hi", "--max-tokens", "2", fault="length").code == 0
    assert fault_server.count("length") == (4 if fault == "length" else 2)


def test_a_damaged_entry_is_a_miss(ask: Callable[..., Any], fault_server: Any, home: Path) -> None:
    ask("hi")
    (path,) = home.rglob("cache.db")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE entries SET value = ?", (b'{"text": 5, "reasoning": ""}',))
    assert ask("hi").out == ANSWER
    assert fault_server.count("ok") == 2


def test_a_similar_question_is_answered_again_and_said(ask: Callable[..., Any], fault_server: Any) -> None:
    similar = {"OPSVI_ANSWERS__SEMANTIC": "0.8"}
    assert ask("How long are the backups of the database kept?", **similar).err == ""
    again = ask("How long are backups of the database kept for?", **similar)
    assert again.out == ANSWER
    assert "the answer to a similar question (0." in again.err
    assert '"How long are the backups of the database kept?"' in again.err
    assert fault_server.count("ok") == 1
    for other in (
        "How long are the backups of the database not kept?",
        "How long are the 3 backups of the database kept?",
        "Who is on call on Sundays?",
    ):
        assert ask(other, **similar).err == ""
    assert ask("How long are backups of the database kept for?", "--system", "Be short", **similar).err == ""
    assert fault_server.count("ok") == 5
    assert ask("How long are backups of the databases kept?").err == ""
    assert fault_server.count("ok") == 6


def test_a_similar_question_whose_answer_is_gone_is_asked(
    ask: Callable[..., Any], fault_server: Any, opsvi: Callable[..., Any]
) -> None:
    similar = {"OPSVI_ANSWERS__SEMANTIC": "0.8"}
    ask("How long are the backups of the database kept?", **similar)
    opsvi("cache", "clear", "answers")
    assert ask("How long are backups of the database kept for?", **similar).err == ""
    assert fault_server.count("ok") == 2
