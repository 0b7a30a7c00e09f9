"""SQLite files: modes, migrations, errors that say what to do; events and usage that never break a command."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from opsvi_cli.errors import StoreError
from opsvi_cli.foundation.db import connect
from opsvi_cli.foundation.events import Events
from opsvi_cli.foundation.redact import Redactor
from opsvi_cli.foundation.state import State
from opsvi_cli.foundation.usage import UsageLog, UsageRow
from opsvi_cli.sdk import Event

LOG = logging.getLogger("test")
ONE = ("CREATE TABLE a (x INTEGER);",)
TWO = (*ONE, "CREATE TABLE b (y TEXT); CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO b VALUES (new.x); END;")


def test_the_file_and_its_directory_are_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.db"
    connection = connect(path, ONE)
    connection.execute("INSERT INTO a VALUES (1)")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    for other in path.parent.iterdir():
        assert other.stat().st_mode & 0o077 == 0
    connection.close()


def test_migrations_run_once_each(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connect(path, ONE).close()
    connection = connect(path, TWO)
    connection.execute("INSERT INTO a VALUES (7)")
    assert connection.execute("SELECT y FROM b").fetchone()[0] == "7"
    connection.close()
    connect(path, TWO).close()


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    connect(tmp_path / "x.db", TWO).close()
    with pytest.raises(StoreError, match="newer opsvi"):
        connect(tmp_path / "x.db", ONE)


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    connect(tmp_path / "x.db", ONE).close()
    with pytest.raises(StoreError):
        connect(tmp_path / "x.db", (*ONE, "CREATE TABLE b (y); CREATE TABLE a (again);"))
    connection = connect(tmp_path / "x.db", ONE)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'b'").fetchone()[0] == 0
    connection.close()


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match="damaged") as error:
        connect(path, ONE)
    assert str(path) in error.value.hint


def test_a_locked_file_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connect(path, ONE).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="in use by another process"):
        connect(path, TWO, wait_seconds=0.05)
    holder.close()


def test_events_are_redacted_and_told_to_listeners(tmp_path: Path) -> None:
    redactor = Redactor({})
    redactor.learn("canary-value")
    state = State(tmp_path / "state.db", LOG)
    events = Events(state, redactor)
    seen: list[Event] = []
    events.listeners.append(seen.append)
    events.emit("model.call", {"url": "http://h/?k=canary-value", "api_key": "x", "long": "y" * 5000})
    events.emit("ingest.done", {"added": 3})
    assert [event.name for event in events.recent()] == ["ingest.done", "model.call"]
    assert [event.name for event in events.recent(name="model")] == ["model.call"]
    assert seen[0].data["api_key"] == "[redacted]"
    assert seen[0].time.endswith("Z")
    assert len(str(seen[0].data["long"])) < 2100
    state.close()
    assert b"canary" not in (tmp_path / "state.db").read_bytes()


def row(time: str, model: str, tokens: int | None, outcome: str = "ok") -> UsageRow:
    return UsageRow(time, "query", "openai", model, tokens, tokens, 0.5, outcome)


def test_usage(tmp_path: Path) -> None:
    usage = UsageLog(State(tmp_path / "state.db", LOG))
    usage.record(row("2026-01-01T00:00:00.000Z", "old", 1))
    usage.record(row("2026-02-01T00:00:00.000Z", "m", 10))
    usage.record(row("2026-02-02T00:00:00.000Z", "m", None, "rate"))
    assert [item.model for item in usage.rows("2026-02")] == ["m", "m"]


def test_the_last_room_of_a_day_is_taken_once(tmp_path: Path) -> None:
    """Two processes that look at the same moment: each has its own connection."""
    one, other = (UsageLog(State(tmp_path / "state.db", LOG)) for _ in range(2))
    one.record(replace(row("2026-02-01T08:00:00.000Z", "m", 10), cost=0.5))
    when = ("2026-02-01", "2026-02-01T09:00:00.000Z", "2026-02-01T10:00:00.000Z")
    first = one.reserve(0.3, 1.0, *when)
    assert first is not None
    assert first.number is not None
    assert other.reserve(0.3, 1.0, *when) == (None, 0.8)
    one.release(first)
    assert other.reserve(0.3, 1.0, *when) == (first.number, 0.5)
    # The other one died without a word: what it had set aside counts until its hour is over.
    assert one.reserve(0.3, 1.0, "2026-02-01", "2026-02-01T09:59:00.000Z", "x") == (None, 0.8)
    assert one.reserve(0.3, 1.0, "2026-02-01", "2026-02-01T10:01:00.000Z", "x") == (1, 0.5)


@pytest.mark.parametrize("trouble", ["damaged", "directory", "newer", "table gone"])
def test_trouble_with_the_state_never_raises_and_is_said_once(
    tmp_path: Path, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "state.db"
    match trouble:
        case "damaged":
            path.write_bytes(b"x" * 5000)
        case "directory":
            path.mkdir()
        case "newer":
            connect(path, tuple(f"CREATE TABLE t{n} (x);" for n in range(50))).close()
        case "table gone":
            State(path, LOG).attempt(lambda db: db.execute("DROP TABLE events"), None)
    state = State(path, LOG)
    events = Events(state, Redactor({}))
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            events.emit("x.y")
        assert events.recent() == []
        UsageLog(state).record(row("2026-01-01T00:00:00.000Z", "m", 1))
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.INFO
