"""Conversations kept between runs: one SQLite database, every message saved before anything can go wrong with it.

A turn is a user's message and the answer to it. The question is written before the model is called; the answer is
written as it grows, marked `partial`, and becomes `complete` at its end: a cut connection, Ctrl-C or a kill loses no
more than the last half second of it.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from opsvi_cli.errors import NotFoundError, StoreError, UsageError
from opsvi_cli.foundation.db import connect
from opsvi_cli.foundation.paths import Paths
from opsvi_cli.sdk import Message, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from opsvi_cli.context import AppContext

Status = Literal["complete", "partial", "replaced"]

MIGRATIONS = (
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        name TEXT UNIQUE,
        title TEXT NOT NULL DEFAULT '',
        created TEXT NOT NULL,
        updated TEXT NOT NULL,
        model TEXT,
        collection TEXT
    );
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
        text TEXT NOT NULL,
        sources TEXT NOT NULL DEFAULT '[]',
        usage TEXT NOT NULL DEFAULT '{}',
        model TEXT,
        status TEXT NOT NULL CHECK (status IN ('complete', 'partial', 'replaced')),
        time TEXT NOT NULL
    );
    CREATE INDEX messages_of ON messages(session, id);
    CREATE INDEX sessions_by_time ON sessions(updated);
    """,
)


@dataclass(frozen=True, slots=True)
class Session:
    """`model` and `collection` are those of its latest turn; `name` is what the user called it, if anything."""

    id: str
    name: str | None
    title: str
    created: str
    updated: str
    model: str | None
    collection: str | None
    messages: int


@dataclass(frozen=True, slots=True)
class SavedMessage:
    """`sources` is what /sources shows: a mapping with n, source, page, section and quote for each citation."""

    id: int
    role: Literal["user", "assistant"]
    text: str
    sources: tuple[dict[str, Any], ...]
    usage: Usage
    model: str | None
    status: Status
    time: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer; `answer` is None when there was none."""

    question: SavedMessage
    answer: SavedMessage | None


class Sessions:
    """The sessions of one user. Opened on first use; nothing is written by looking."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._path = sessions_file(app.paths)
        self._open: sqlite3.Connection | None = None

    def __enter__(self) -> Sessions:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    @property
    def _db(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = connect(self._path, MIGRATIONS)
        return self._open

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = "check the disk; another opsvi may be writing"
            raise StoreError(f"the session cannot be saved: {error}", hint=hint) from error

    def create(self, *, name: str | None = None, model: str | None = None, collection: str | None = None) -> Session:
        """A new, empty session. Raises UsageError for a name that cannot be one or is taken."""
        if name is not None:
            check_session_name(name)
        now = self._app.now()
        session_id = f"{now[:10]}-{secrets.token_hex(3)}"
        with self._errors():
            try:
                self._db.execute(
                    "INSERT INTO sessions (id, name, created, updated, model, collection) VALUES (?, ?, ?, ?, ?, ?)",
                    (session_id, name, now, now, model, collection),
                )
            except sqlite3.IntegrityError as error:
                raise UsageError(f"there is a session {name!r} already", hint=f"opsvi chat --session {name}") from error
        return self.find(session_id)

    def all(self) -> list[Session]:
        """Every session, the latest used first."""
        if not self._path.exists():
            return []
        with self._errors():
            rows = self._db.execute(f"{_SELECT} GROUP BY s.id ORDER BY s.updated DESC, s.rowid DESC").fetchall()
        return [_session(row) for row in rows]

    def last(self) -> Session | None:
        """The session used last that holds a message."""
        return next((session for session in self.all() if session.messages), None)

    def find(self, wanted: str) -> Session:
        """By name, id, or a beginning of the id that only one has. Raises NotFoundError."""
        found = self.get(wanted)
        if found is None:
            from difflib import get_close_matches

            near = get_close_matches(wanted, [s.name or s.id for s in self.all()], 1)
            hint = f"did you mean {near[0]!r}?" if near else "opsvi chat starts a new one"
            raise NotFoundError(f"there is no session {wanted!r}", hint=hint)
        return found

    def get(self, wanted: str) -> Session | None:
        """As `find`; None when there is none."""
        sessions = self.all()
        exact = [session for session in sessions if wanted in (session.id, session.name)]
        begins = [session for session in sessions if len(wanted) >= 4 and session.id.startswith(wanted)]
        return exact[0] if exact else begins[0] if len(begins) == 1 else None

    def delete(self, wanted: str) -> None:
        """Remove a session and its messages. Raises NotFoundError."""
        session = self.find(wanted)
        with self._errors():
            self._db.execute("DELETE FROM sessions WHERE id = ?", (session.id,))

    def turns(self, session: Session) -> list[Turn]:
        """The conversation in order, without answers that were replaced."""
        with self._errors():
            rows = self._db.execute(
                "SELECT * FROM messages WHERE session = ? AND status != 'replaced' ORDER BY id", (session.id,)
            ).fetchall()
        turns: list[Turn] = []
        for message in map(_message, rows):
            if message.role == "user":
                turns.append(Turn(message, None))
            elif turns:
                turns[-1] = Turn(turns[-1].question, message)
        return turns

    def add_question(self, session: Session, text: str) -> int:
        """Save what the user said, durably, before anything is done with it. The message's id is returned."""
        with self._errors():
            number = self._insert(session, "user", text, "complete", None)
            self._db.execute(
                "UPDATE sessions SET title = ? WHERE id = ? AND title = ''",
                (_storable(" ".join(text.split())[:80]), session.id),
            )
        return number

    def start_answer(self, session: Session, model: str | None) -> int:
        """Make room for an answer: empty and partial until `save_answer`."""
        with self._errors():
            return self._insert(session, "assistant", "", "partial", model)

    def _insert(self, session: Session, role: str, text: str, status: Status, model: str | None) -> int:
        now = self._app.now()
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            cursor = db.execute(
                "INSERT INTO messages (session, role, text, status, model, time) VALUES (?, ?, ?, ?, ?, ?)",
                (session.id, role, _storable(text), status, model, now),
            )
            db.execute("UPDATE sessions SET updated = ? WHERE id = ?", (now, session.id))
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        return int(cursor.lastrowid or 0)

    def save_answer(
        self,
        message: int,
        text: str,
        *,
        status: Status = "partial",
        sources: list[dict[str, Any]] | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Write an answer so far, or, with status `complete`, its end."""
        counted = usage or Usage()
        with self._errors():
            self._db.execute(
                "UPDATE messages SET text = ?, status = ?, sources = ?, usage = ? WHERE id = ?",
                (
                    _storable(text),
                    status,
                    json.dumps(sources or []),
                    json.dumps({"input_tokens": counted.input_tokens, "output_tokens": counted.output_tokens}),
                    message,
                ),
            )

    def replace_answer(self, message: int) -> None:
        """Set an answer aside, for /retry: it is kept, but is no part of the conversation any more."""
        with self._errors():
            self._db.execute("UPDATE messages SET status = 'replaced' WHERE id = ?", (message,))

    def remember(self, session: Session, *, model: str | None, collection: str | None) -> None:
        """Which model and collection the session goes on with."""
        with self._errors():
            self._db.execute(
                "UPDATE sessions SET model = ?, collection = ? WHERE id = ?", (model, collection, session.id)
            )


_SELECT = (
    "SELECT s.*, COUNT(m.id) AS messages FROM sessions s "
    "LEFT JOIN messages m ON m.session = s.id AND m.status != 'replaced'"
)


def sessions_file(paths: Paths) -> Path:
    """Where the sessions are."""
    return paths.data / "sessions.db"


def check_session_name(name: str) -> str:
    """The name itself when it may name a session. Raises UsageError."""
    if not name.strip() or len(name) > 64 or name.startswith("-") or not name.isprintable():
        hint = "use up to 64 letters, digits, spaces and dashes, no dash first"
        raise UsageError(f"{name!r} cannot name a session", hint=hint)
    return name


def history(turns: list[Turn]) -> list[tuple[Message, Message]]:
    """The pairs that a model is shown again: questions that got an answer, cut ones marked."""
    pairs = []
    for turn in turns:
        if turn.answer is not None and turn.answer.text.strip():
            text = turn.answer.text + (" [this answer was cut off]" if turn.answer.status == "partial" else "")
            pairs.append((Message("user", turn.question.text), Message("assistant", text)))
    return pairs


def _storable(text: str) -> str:
    """SQLite takes no lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _session(row: sqlite3.Row) -> Session:
    names = ("id", "name", "title", "created", "updated", "model", "collection", "messages")
    return Session(**{name: row[name] for name in names})


def _message(row: sqlite3.Row) -> SavedMessage:
    return SavedMessage(
        id=row["id"],
        role=cast("Literal['user', 'assistant']", row["role"]),
        text=row["text"],
        sources=tuple(json.loads(row["sources"])),
        usage=Usage(**json.loads(row["usage"])),
        model=row["model"],
        status=cast(Status, row["status"]),
        time=row["time"],
    )
