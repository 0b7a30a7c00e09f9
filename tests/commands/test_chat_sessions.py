"""`opsvi chat list|show|search|rename|rm|export`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.llm.sessions import sessions_file

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Run = Callable[..., Any]


def valid(name: str, value: object) -> None:
    jsonschema.validate(value, json.loads((GOLDEN / f"{name}.schema.json").read_text()))


@pytest.fixture
def talks(opsvi: Run, ops_collection: object) -> None:
    """Two sessions: a named one with echo, and one with the sources of a collection."""
    opsvi("chat", "-m", "echo", "--no-retrieval", "--session", "animals", stdin="a quick brown fox\nthe café cat\n")
    opsvi("chat", stdin="are backups encrypted?\n")


def test_chat_alone_still_talks_and_takes_its_flags_everywhere(opsvi: Run) -> None:
    assert opsvi("chat", "-m", "echo", stdin="hello\n").out == "hello\n"
    assert opsvi("chat", "-m", "echo", "--json", "answer", stdin="hello\n").json == [{"answer": "hello"}]
    assert opsvi("--json=answer", "chat", "-m", "echo", stdin="hello\n").json == [{"answer": "hello"}]
    assert opsvi("chat", "--session", "list", "-m", "echo", stdin="/session\n").err == "session: list\n"
    assert opsvi("chat", "nonsense", stdin="hello\n").code == 2
    lost = opsvi("chat", "-m", "echo", "list")
    assert (lost.code, lost.out) == (2, "")
    assert "--model is no option of `opsvi chat list`" in lost.err


def test_list_is_empty_then_the_latest_first(opsvi: Run, home: Path) -> None:
    assert opsvi("chat", "list", "--json").json == []
    assert not sessions_file(AppContext(env=dict(os.environ)).paths).exists()
    for name in ("one", "two", "three"):
        opsvi("chat", "-m", "echo", "--session", name, stdin="hi\n")
    rows = opsvi("chat", "list", "--json").json
    valid("chat-list", rows)
    assert [row["name"] for row in rows] == ["three", "two", "one"]
    assert [row["name"] for row in opsvi("chat", "--json", "list", "-n", "1").json] == ["three"]
    assert opsvi("chat", "list").out.splitlines()[0].split("\t")[1:4] == ["three", "hi", "2"]


def test_show_has_questions_answers_sources_and_tokens(opsvi: Run, talks: None) -> None:
    record = opsvi("chat", "show", "animals", "--json").json
    valid("chat-show", record)
    assert [turn["answer"] for turn in record["turns"]] == ["a quick brown fox", "the café cat"]
    assert record["turns"][0]["usage"] == {"input_tokens": 4, "output_tokens": 4}
    cited = opsvi("chat", "show", opsvi("chat", "list", "--json").json[0]["session"], "--json").json
    valid("chat-show", cited)
    assert cited["turns"][0]["sources"][0]["source"] == "/ops/backup.md"
    text = opsvi("chat", "show", cited["session"]).out
    assert "[1] /ops/backup.md" in text
    missing = opsvi("chat", "show", "animal")
    assert missing.code == 1
    assert "did you mean 'animals'?" in missing.err


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("fox", 2),
        ("FOX quick", 2),
        ("fox cat", 0),
        ('"quick brown"', 2),
        ('"brown quick"', 0),
        ("cafe", 2),
        ("enc*", 2),
        ("fox AND", 0),
        ("nothing", 0),
    ],
)
def test_search_over_all_sessions(opsvi: Run, talks: None, words: str, found: int) -> None:
    rows = opsvi("chat", "search", words, "--json").json
    valid("chat-search", rows)
    assert len(rows) == found


def test_search_says_where_and_needs_a_word(opsvi: Run, talks: None) -> None:
    (question, _) = sorted(opsvi("chat", "search", "café", "--json").json, key=lambda row: row["role"], reverse=True)
    assert (question["name"], question["turn"], question["role"]) == ("animals", 2, "user")
    assert "café" in question["text"]
    assert opsvi("chat", "search", "*").code == 2
    assert opsvi("chat", "search", "fox", "-n", "1", "--json").json[0]["name"] == "animals"


def test_what_was_taken_back_is_not_found(opsvi: Run) -> None:
    opsvi("chat", "-m", "echo", stdin="walrus\n/undo\n")
    assert opsvi("chat", "search", "walrus", "--json").json == []


def test_sessions_of_an_older_database_are_found_too(opsvi: Run, home: Path) -> None:
    from opsvi_cli.foundation.db import connect
    from opsvi_cli.llm.session_records import MIGRATIONS

    old = connect(sessions_file(AppContext(env=dict(os.environ)).paths), MIGRATIONS[:1])
    old.execute("INSERT INTO sessions (id, created, updated) VALUES ('2020-01-01-abcdef', '2020', '2020')")
    old.execute(
        "INSERT INTO messages (session, role, text, status, time, usage) VALUES "
        "('2020-01-01-abcdef', 'user', 'ancient dodo', 'complete', '2020', '{\"input_tokens\": 1}')"
    )
    old.close()
    (row,) = opsvi("chat", "search", "dodo", "--json").json
    assert (row["session"], row["turn"]) == ("2020-01-01-abcdef", 1)
    valid("chat-show", opsvi("chat", "show", "2020", "--json").json)


def test_rename_and_its_conflicts(opsvi: Run, talks: None) -> None:
    assert opsvi("chat", "rename", "animals", "zoo").code == 0
    assert opsvi("chat", "show", "zoo", "--json=name").json == {"name": "zoo"}
    other = opsvi("chat", "list", "--json").json[0]["session"]
    assert opsvi("chat", "rename", other, "zoo").code == 2
    assert opsvi("chat", "rename", other, "-x").code == 2
    assert opsvi("chat", "rename", "animals", "x").code == 1


def test_rm_asks_and_removes_every_word(opsvi: Run, talks: None) -> None:
    assert opsvi("chat", "rm", "animals").code == 2
    result = opsvi("chat", "rm", "animals", "--yes", "--json").json
    valid("chat-rm", result)
    assert len(result["removed"]) == 1
    assert opsvi("chat", "search", "fox", "--json").json == []
    file = sessions_file(AppContext(env=dict(os.environ)).paths)
    for part in file.parent.glob("sessions.db*"):
        assert b"quick brown" not in part.read_bytes()
    assert opsvi("chat", "rm").code == 2
    assert opsvi("chat", "rm", "animals", "--yes").code == 1


def test_rm_of_what_is_old(opsvi: Run, talks: None) -> None:
    import sqlite3

    with sqlite3.connect(sessions_file(AppContext(env=dict(os.environ)).paths)) as db:
        db.execute("UPDATE sessions SET updated = '2020-01-01T00:00:00.000Z' WHERE name = 'animals'")
    db.close()
    assert len(opsvi("chat", "rm", "--older", "30d", "--yes", "--json").json["removed"]) == 1
    assert opsvi("chat", "rm", "--older", "30d").code == 0
    assert len(opsvi("chat", "list", "--json").json) == 1
    assert opsvi("chat", "rm", "--older", "soon", "--yes").code == 2


def test_export_to_stdout_and_files(opsvi: Run, talks: None, tmp_path: Path) -> None:
    markdown = opsvi("chat", "export", "animals").out
    assert markdown.startswith("# animals\n")
    assert "a quick brown fox" in markdown
    record = json.loads(opsvi("chat", "export", "animals", "--format", "json").out)
    valid("chat-show", record)
    assert opsvi("chat", "export", "animals", "-o", "talk.md").code == 0
    assert (tmp_path / "talk.md").read_text() == markdown
    assert (tmp_path / "talk.md").stat().st_mode & 0o077 == 0
    assert opsvi("chat", "export", "animals", "-o", "talk.md").code == 2
    assert opsvi("chat", "export", "animals", "-o", "talk.md", "--yes").code == 0
    assert opsvi("chat", "export", "animals", "-o", "-").out == markdown
    assert opsvi("chat", "export", "animals", "-o", str(tmp_path), "--yes").code == 1
