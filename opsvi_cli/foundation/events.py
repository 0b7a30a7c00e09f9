"""What happened, kept in the state database and told to listeners; redacted, and never the text of a prompt."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone

from opsvi_cli.sdk import JSON, Event

from .redact import Redactor
from .state import State

_KEPT = 100_000
_LONGEST_TEXT = 2000


class Events:
    """`listeners` see every event after redaction; the plugin host's `event` is one. They must not raise."""

    def __init__(self, state: State, redactor: Redactor, listeners: Sequence[Callable[[Event], None]] = ()) -> None:
        self._state = state
        self._redactor = redactor
        self.listeners = list(listeners)

    def emit(self, name: str, data: Mapping[str, JSON] | None = None) -> Event:
        """Record an event; `name` is dotted. Never raises over the database."""
        time = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        event = Event(name, time, self._redactor.redact_data(_short(dict(data or {}))))
        text = json.dumps(event.data, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()
        self._state.attempt(lambda db: _insert(db, event, text), None)
        for listener in self.listeners:
            listener(event)
        return event

    def recent(self, limit: int = 100, name: str = "") -> list[Event]:
        """The newest first; `name` picks one name, or all below a dotted prefix."""

        def read(db: sqlite3.Connection) -> list[Event]:
            rows = db.execute(
                "SELECT name, time, data FROM events WHERE ? = '' OR name = ? OR substr(name, 1, ?) = ? || '.'"
                " ORDER BY id DESC LIMIT ?",
                (name, name, len(name) + 1, name, limit),
            )
            return [Event(row["name"], row["time"], json.loads(row["data"])) for row in rows]

        return self._state.attempt(read, [])


def _insert(db: sqlite3.Connection, event: Event, text: str) -> None:
    cursor = db.execute("INSERT INTO events (time, name, data) VALUES (?, ?, ?)", (event.time, event.name, text))
    if cursor.lastrowid is not None and cursor.lastrowid % 1000 == 0:
        db.execute("DELETE FROM events WHERE id <= ?", (cursor.lastrowid - _KEPT,))


def _short(value: JSON) -> JSON:
    """Long texts cut: an event says that something happened, it does not hold documents."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT] + "..."
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_short(item) for item in value[:1000]]
    return value
