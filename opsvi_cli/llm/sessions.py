"""Conversations kept between runs: one SQLite database, every message saved before anything can go wrong with it.

A turn is a user's message and the answer to it. The question is written before the model is called; the answer is
written as it grows, marked `partial`, and becomes `complete` at its end: a cut connection, Ctrl-C or a kill loses no
more than the last half second of it.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opsvi_cli.errors import NotFoundError, UsageError
from opsvi_cli.foundation.db import connect, database_error
from opsvi_cli.foundation.paths import Paths
from opsvi_cli.sdk import Attachment, Usage

from .session_records import (
    MIGRATIONS,
    Session,
    Status,
    Turn,
    message_of,
    session_of,
    storable,
)

if TYPE_CHECKING:
    from pathlib import Path

    from opsvi_cli.context import AppContext


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
            raise database_error(self._path, error) from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            db = self._db
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # a full disk has ended it already
                    db.execute("ROLLBACK")
                raise

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
                raise _taken(name) from error
        return self.find(session_id)

    def begin(self, wanted: str) -> Session:
        """The session that is meant, or a new one of that name. Raises UsageError for what cannot be a name."""
        found = self.get(wanted)
        if found is not None:
            return found
        try:
            return self.create(name=wanted)
        except UsageError:
            found = self.get(wanted)  # another chat may have begun it at this moment
            if found is None:
                raise
            return found

    def all(self) -> list[Session]:
        """Every session, the latest used first."""
        if not self._path.exists():
            return []
        with self._errors():
            rows = self._db.execute(f"{_SELECT} GROUP BY s.id ORDER BY s.updated DESC, s.rowid DESC").fetchall()
        return [session_of(row) for row in rows]

    def last(self) -> Session | None:
        """The session used last that holds a message."""
        return next((session for session in self.all() if session.messages), None)

    def find(self, wanted: str) -> Session:
        """By name, id, or a beginning of the id that only one has. Raises NotFoundError."""
        found = self.get(wanted)
        if found is None:
            raise self._not_found(wanted)
        return found

    def _not_found(self, wanted: str) -> NotFoundError:
        from difflib import get_close_matches

        sessions = self.all()
        begins = [session.id for session in sessions if wanted and session.id.startswith(wanted)]
        if len(begins) > 1:
            more = f"more of it is needed: {begins[0]}, {begins[1]} ..."
            return NotFoundError(f"{len(begins)} sessions have an id that begins with {wanted!r}", hint=more)
        near = begins or get_close_matches(wanted, [session.label for session in sessions], 1)
        hint = f"did you mean {near[0]!r}?" if near else "opsvi chat list shows them"
        return NotFoundError(f"there is no session {wanted!r}", hint=hint)

    def get(self, wanted: str) -> Session | None:
        """As `find`; None when there is none."""
        if not self._path.exists():
            return None
        prefix = wanted if len(wanted) >= _SHORTEST_PREFIX else None
        with self._errors():
            rows = self._db.execute(
                f"{_SELECT} WHERE s.id = :wanted OR s.name = :wanted OR substr(s.id, 1, length(:prefix)) = :prefix "
                "GROUP BY s.id ORDER BY s.id = :wanted OR s.name = :wanted DESC LIMIT 2",
                {"wanted": storable(wanted), "prefix": prefix},
            ).fetchall()
        found = [session_of(row) for row in rows]
        exact = [session for session in found if wanted in (session.id, session.name)]
        return exact[0] if exact else found[0] if len(found) == 1 else None

    def delete(self, wanted: str) -> None:
        """Remove a session and its messages, also from the pages of the file. Raises NotFoundError."""
        session = self.find(wanted)
        with self._errors():
            self._db.execute("PRAGMA secure_delete=ON")
            self._db.execute("DELETE FROM sessions WHERE id = ?", (session.id,))
            # The index of words keeps what was deleted until its segments are merged.
            self._db.execute("INSERT INTO words(words) VALUES ('optimize')")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def rename(self, session: Session, name: str) -> Session:
        """Give a session a name, or another one. Raises UsageError for a name that cannot be one or is taken."""
        check_session_name(name)
        with self._errors():
            try:
                self._db.execute("UPDATE sessions SET name = ? WHERE id = ?", (name, session.id))
            except sqlite3.IntegrityError as error:
                raise _taken(name) from error
        return self.find(session.id)

    def turns(self, session: Session) -> list[Turn]:
        """The conversation in order, without what was set aside."""
        with self._errors():
            rows = self._db.execute(
                "SELECT * FROM messages WHERE session = ? AND status != 'replaced' ORDER BY id", (session.id,)
            ).fetchall()
            files: dict[int, list[sqlite3.Row]] = {}
            for file in self._db.execute(
                "SELECT a.* FROM attachments a JOIN messages m ON m.id = a.message "
                "WHERE m.session = ? ORDER BY a.message, a.position",
                (session.id,),
            ):
                files.setdefault(file["message"], []).append(file)
        turns: list[Turn] = []
        for message in (message_of(row, files.get(row["id"], ())) for row in rows):
            if message.role == "user":
                turns.append(Turn(message, None))
            elif turns:
                turns[-1] = Turn(turns[-1].question, message)
        return turns

    def begin_turn(
        self, session: Session, question: str, attachments: Sequence[Attachment] = (), model: str | None = None
    ) -> int:
        """Save what the user said, durably, before anything is done with it, and make room for the answer.

        The answer's id is returned: empty and partial until `save_answer`. Both are written at once, so that two chats
        on one session never take the other's answer for theirs.
        """
        now = self._app.now()
        with self._transaction() as db:
            asked = _insert(db, session, ("user", storable(question), "complete", None, now))
            db.executemany(
                "INSERT INTO attachments (message, position, name, media_type, data) VALUES (?, ?, ?, ?, ?)",
                [
                    (asked, position, storable(file.name), file.media_type, file.data)
                    for position, file in enumerate(attachments)
                ],
            )
            db.execute(
                "UPDATE sessions SET updated = ?, title = CASE title WHEN '' THEN ? ELSE title END WHERE id = ?",
                (now, storable(" ".join(question.split())[:80]), session.id),
            )
            return _insert(db, session, ("assistant", "", "partial", model, now))

    def begin_again(self, session: Session, turn: Turn, model: str | None) -> int:
        """Make room for another answer in its turn, for /retry: the one before is kept, but is no part of the
        conversation any more."""
        now = self._app.now()
        with self._transaction() as db:
            db.execute("UPDATE sessions SET updated = ? WHERE id = ?", (now, session.id))
            if turn.answer is None:
                return _insert(db, session, ("assistant", "", "partial", model, now))
            db.execute(
                "INSERT INTO messages (session, role, text, sources, usage, model, status, time) "
                "SELECT session, role, text, sources, usage, model, 'replaced', time FROM messages WHERE id = ?",
                (turn.answer.id,),
            )
            db.execute(
                "UPDATE messages SET text = '', sources = '[]', usage = '{}', model = ?, status = 'partial', time = ? "
                "WHERE id = ?",
                (model, now, turn.answer.id),
            )
            return turn.answer.id

    def save_answer(
        self,
        message: int,
        text: str,
        *,
        status: Status = "partial",
        sources: list[dict[str, Any]] | None = None,
        usage: Usage | None = None,
        model: str | None = None,
    ) -> None:
        """Write an answer so far, or, with status `complete`, its end and the model that gave it."""
        counted = {name: number for name, number in asdict(usage or Usage()).items() if number is not None}
        with self._errors():
            self._db.execute(
                "UPDATE messages SET text = ?, status = ?, sources = ?, usage = ?, model = COALESCE(?, model) "
                "WHERE id = ?",
                (
                    storable(text),
                    status,
                    json.dumps(sources or []),
                    json.dumps(counted),
                    model,
                    message,
                ),
            )

    def undo(self, session: Session) -> Turn | None:
        """Set the last turn aside, question and answer, and return it; None when there is none."""
        turns = self.turns(session)
        if not turns:
            return None
        last = turns[-1]
        with self._errors():
            self._db.execute(
                "UPDATE messages SET status = 'replaced' WHERE session = ? AND id >= ?", (session.id, last.question.id)
            )
        if session.summarized >= last.question.id:  # the summary speaks of it
            self.summarize(session, "", 0)
        return last

    def summarize(self, session: Session, summary: str, upto: int) -> None:
        """Keep the summary that stands for the messages up to the id `upto`."""
        with self._errors():
            self._db.execute(
                "UPDATE sessions SET summary = ?, summarized = ? WHERE id = ?", (storable(summary), upto, session.id)
            )

    def instruct(self, session: Session, system: str) -> None:
        """Keep the instructions that the session goes on with."""
        with self._errors():
            self._db.execute("UPDATE sessions SET system = ? WHERE id = ?", (storable(system), session.id))

    def taint(self, session: Session) -> None:
        """Keep that a tool brought text of others into the session."""
        with self._errors():
            self._db.execute("UPDATE sessions SET tainted = 1 WHERE id = ?", (session.id,))

    def remember(self, session: Session, *, model: str | None, base_url: str = "", collection: str | None) -> None:
        """Which model, where, and which collection the session goes on with. No key that an address holds is kept."""
        with self._errors():
            self._db.execute(
                "UPDATE sessions SET model = ?, base_url = ?, collection = ? WHERE id = ?",
                (model, _without_keys(base_url), collection, session.id),
            )


_SHORTEST_PREFIX = 4
_SELECT = (
    "SELECT s.*, COUNT(m.id) AS messages FROM sessions s "
    "LEFT JOIN messages m ON m.session = s.id AND m.status != 'replaced'"
)


def _insert(db: sqlite3.Connection, session: Session, row: tuple[str, str, Status, str | None, str]) -> int:
    """Add a message: role, text, status, model, time. Its id is returned."""
    cursor = db.execute(
        "INSERT INTO messages (session, role, text, status, model, time) VALUES (?, ?, ?, ?, ?, ?)",
        (session.id, *row),
    )
    return int(cursor.lastrowid or 0)


def _without_keys(url: str) -> str:
    try:
        address = urlsplit(url)
    except ValueError:  # nothing was ever sent there
        return ""
    return address._replace(netloc=address.netloc.rpartition("@")[2], query="", fragment="").geturl()


def sessions_file(paths: Paths) -> Path:
    """Where the sessions are."""
    return paths.data / "sessions.db"


def check_session_name(name: str) -> str:
    """The name itself when it may name a session. Raises UsageError."""
    if not name.strip() or len(name) > 64 or name.startswith("-") or not name.isprintable():
        hint = "use up to 64 letters, digits, spaces and dashes, no dash first"
        raise UsageError(f"{name!r} cannot name a session", hint=hint)
    return name


def _taken(name: str | None) -> UsageError:
    return UsageError(f"there is a session {name!r} already", hint=f"opsvi chat --session {name!r} goes on with it")
