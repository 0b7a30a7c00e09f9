"""The log of calls: prompts and answers in a database of their own, searchable, redacted, kept for `logs.keep_days`.

Writing never fails a command: trouble is said in one line, once a run. Attachments are kept as name, type, size and
hash. An entry's id grows with time, so that a prefix of it names one entry and ids sort as they were made.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import NotFoundError, StoreError, UsageError
from opsvi_cli.foundation.db import connect, database_error
from opsvi_cli.sdk import JSON, Message, ToolCall

from .search_words import fts_query, spaced, unspaced

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .layers import Call
    from .trace import Traced

_LONGEST = 1_000_000
"""Characters of one text that are kept."""
_MIGRATIONS = (
    """
    CREATE TABLE calls (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        time TEXT NOT NULL,          -- ISO-8601, UTC
        command TEXT NOT NULL,
        run TEXT NOT NULL,
        model TEXT NOT NULL,         -- provider/model
        messages TEXT NOT NULL,      -- JSON
        answer TEXT NOT NULL,        -- as far as it came
        reasoning TEXT NOT NULL,
        tool_calls TEXT NOT NULL,    -- JSON
        outcome TEXT NOT NULL,       -- ok, cancelled, or the kind of the error
        finish TEXT NOT NULL,
        error TEXT NOT NULL,
        input_tokens INTEGER,
        output_tokens INTEGER,
        cached_tokens INTEGER,
        reasoning_tokens INTEGER,
        cost REAL,
        estimated INTEGER NOT NULL,
        seconds REAL NOT NULL
    ) STRICT;
    CREATE INDEX calls_by_time ON calls (time);
    CREATE VIRTUAL TABLE words USING fts5(prompt, answer, tokenize = "unicode61 remove_diacritics 2");
    CREATE TRIGGER calls_removed AFTER DELETE ON calls BEGIN
        DELETE FROM words WHERE rowid = old.number;
    END;
    """,
)


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One entry. `messages` and `tool_calls` as they were given; attachments as name, type, size and sha256."""

    id: str
    time: str
    command: str
    run: str
    model: str
    messages: list[dict[str, JSON]]
    answer: str
    reasoning: str
    tool_calls: list[dict[str, JSON]]
    outcome: str
    finish: str
    error: str
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost: float | None
    estimated: bool
    seconds: float

    @property
    def prompt(self) -> str:
        """The last thing that was said to the model."""
        return next((str(m["text"]) for m in reversed(self.messages) if m["role"] == "user"), "")

    def record(self) -> dict[str, Any]:
        return asdict(self)


_COLUMNS = ", ".join(item.name for item in fields(LoggedCall))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries: a model (its provider, its name or both), a command, and not older than `since`."""

    model: str = ""
    command: str = ""
    since: str = ""

    def where(self) -> tuple[str, list[str]]:
        parts, values = ["time >= ?"], [self.since]
        if self.model:
            # Not LIKE: a name may hold % and _.
            parts.append("(model = ? OR instr(model, ?) = 1 OR substr(model, -length(?)) = ?)")
            values += [self.model, f"{self.model}/", f"/{self.model}", f"/{self.model}"]
        if self.command:
            parts.append("command = ?")
            values.append(self.command)
        return " AND ".join(parts), values


# --- writing


def keep(call: Call, traced: Traced) -> None:
    """Write a call down. Never raises over the database: it says in one line that the call is not in the log."""
    app = call.app
    if app.foundation.calls_unkept:
        return
    try:
        log = CallLog(app)
        with contextlib.closing(log):
            log.add(_entry(call, traced))
    except (sqlite3.Error, StoreError, OSError) as error:
        reason: object = error
        if isinstance(error, sqlite3.Error):
            reason = database_error(app.paths.calls_db, error)
        elif isinstance(error, OSError):
            reason = f"{error.filename}: {error.strerror}"
        _say_once(app, f"this run is not kept in `opsvi logs`: {reason}")


def _say_once(app: AppContext, text: str) -> None:
    """Several calls may find out at the same time."""
    with app.foundation.usage.lock:
        told, app.foundation.calls_unkept = app.foundation.calls_unkept, True
    if not told:
        app.warn(text)


def _entry(call: Call, traced: Traced) -> LoggedCall:
    app, usage = call.app, traced.usage

    def clean(text: str) -> str:
        """Redacted, cut, and fit for UTF-8."""
        text = app.redactor.redact(text).encode("utf-8", "replace").decode("utf-8")
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}[... {len(text) - _LONGEST} more characters]"

    return LoggedCall(
        id=_new_id(),
        time=app.now(),
        command=app.command,
        run=app.run,
        model=clean(call.choice.name),
        messages=[_message(message, clean) for message in call.request.messages],
        answer=clean("".join(traced.text)),
        reasoning=clean("".join(traced.reasoning)),
        tool_calls=_tool_calls(traced.tool_calls, clean),
        outcome=traced.outcome,
        finish=traced.finish,
        error=clean(traced.error),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost=traced.cost,
        estimated=traced.estimated,
        seconds=traced.seconds,
    )


def _message(message: Message, clean: Callable[[str], str]) -> dict[str, JSON]:
    kept: dict[str, JSON] = {"role": message.role, "text": clean(message.text)}
    if message.attachments:
        kept["attachments"] = [
            {
                "name": clean(attached.name),
                "media_type": attached.media_type,
                "bytes": len(attached.data),
                "sha256": hashlib.sha256(attached.data).hexdigest(),
            }
            for attached in message.attachments
        ]
    if message.tool_calls:
        calls: list[JSON] = list(_tool_calls(message.tool_calls, clean))
        kept["tool_calls"] = calls
    if message.tool_call_id:
        kept["tool_call_id"] = clean(message.tool_call_id)
    return kept


def _tool_calls(calls: Sequence[ToolCall], clean: Callable[[str], str]) -> list[dict[str, JSON]]:
    return [{"id": clean(c.id), "name": clean(c.name), "arguments": clean(c.arguments)} for c in calls]


def _new_id() -> str:
    """Milliseconds since 1970 and 32 random bits, in hex."""
    return f"{time.time_ns() // 1_000_000:011x}{os.urandom(4).hex()}"


# --- the database


class CallLog:
    """The open database. Raises StoreError; sqlite3.Error while it is used."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._db = connect(app.paths.calls_db, _MIGRATIONS, wait_seconds=5.0)

    def close(self) -> None:
        self._db.close()

    def add(self, entry: LoggedCall) -> None:
        values = entry.record()
        for name in ("messages", "tool_calls"):
            values[name] = json.dumps(values[name], ensure_ascii=False)
        prompt = "\n".join(str(message["text"]) for message in entry.messages)
        with self._transaction():
            self._expire()
            marks = ", ".join("?" * len(values))
            sql = f"INSERT INTO calls ({_COLUMNS}) VALUES ({marks})"  # noqa: S608  # names of our own columns
            number = self._db.execute(sql, tuple(values.values())).lastrowid
            words = (number, spaced(prompt), spaced(entry.answer))
            self._db.execute("INSERT INTO words (rowid, prompt, answer) VALUES (?, ?, ?)", words)

    def _expire(self) -> None:
        days = self._app.settings.logs.keep_days
        if days:
            oldest = datetime.now(timezone.utc) - timedelta(days=days)
            self._db.execute("DELETE FROM calls WHERE time < ?", (oldest.isoformat(),))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):  # a full disk has ended the transaction already
                self._db.execute("ROLLBACK")
            raise

    def entries(self, which: Filter, limit: int = -1) -> Iterator[LoggedCall]:
        """The newest first."""
        where, values = which.where()
        sql = f"SELECT {_COLUMNS} FROM calls WHERE {where} ORDER BY number DESC LIMIT ?"  # noqa: S608
        yield from map(_logged, self._db.execute(sql, (*values, limit)))

    def search(self, text: str, which: Filter, limit: int) -> Iterator[tuple[LoggedCall, str]]:
        """Entries that hold all words of `text` in prompt or answer, best first, with the place where they stand.

        "several words" in quotes stand together, word* begins like that. Raises UsageError when `text` holds no word.
        """
        words = fts_query(text, spaced)
        if not words:
            raise UsageError("there is no word to search for", hint='opsvi logs search "paper*"')
        where, values = which.where()
        columns = ", ".join(f"calls.{name}" for name in _COLUMNS.split(", "))
        sql = (
            f"SELECT {columns}, snippet(words, -1, '', '', ' ... ', 24) FROM words"  # noqa: S608
            " JOIN calls ON calls.number = words.rowid"
            f" WHERE words MATCH ? AND {where} ORDER BY words.rank, calls.number DESC LIMIT ?"
        )
        for row in self._db.execute(sql, (words, *values, limit)):
            yield _logged(row[:-1]), unspaced(str(row[-1]))

    def find(self, name: str) -> LoggedCall:
        """`last`, an id, or the beginning of one. Raises NotFoundError, UsageError when several begin so."""
        if name == "last":
            found = list(self.entries(Filter(), 1))
        else:
            sql = f"SELECT {_COLUMNS} FROM calls WHERE substr(id, 1, ?) = ? ORDER BY number DESC LIMIT 2"  # noqa: S608
            found = [_logged(row) for row in self._db.execute(sql, (len(name), name.lower()))] if name else []
        if not found:
            raise NotFoundError(f"there is no logged call {name!r}", hint="`opsvi logs list` shows them")
        if len(found) > 1:
            hint = "give more of the id: `opsvi logs list --json=id,time` shows it whole"
            raise UsageError(f"several calls begin with {name!r}", hint=hint)
        return found[0]

    def count(self, before: str = "") -> int:
        """Entries older than `before`; all of them without it."""
        sql = "SELECT count(*) FROM calls WHERE ? = '' OR time < ?"
        return int(self._db.execute(sql, (before, before)).fetchone()[0])

    def remove(self, ids: Sequence[str] = (), before: str | None = None) -> int:
        """Take entries out, by id, or those older than `before` ("": all); the space is given back."""
        with self._transaction():
            if before is None:
                gone = sum(self._db.execute("DELETE FROM calls WHERE id = ?", (i,)).rowcount for i in set(ids))
            else:
                gone = self._db.execute("DELETE FROM calls WHERE ? = '' OR time < ?", (before, before)).rowcount
        # What was removed must not stay in the file.
        self._db.execute("INSERT INTO words (words) VALUES ('optimize')")
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone


@contextlib.contextmanager
def opened(app: AppContext) -> Iterator[CallLog]:
    """The log for a command that reads or changes it. Raises StoreError, also for what SQLite raises inside."""
    with contextlib.closing(CallLog(app)) as log:
        try:
            yield log
        except sqlite3.Error as error:
            raise database_error(app.paths.calls_db, error) from error


def _logged(row: Sequence[Any]) -> LoggedCall:
    values = list(row)
    values[5], values[8] = json.loads(values[5]), json.loads(values[8])
    values[17] = bool(values[17])
    return LoggedCall(*values)
