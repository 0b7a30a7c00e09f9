"""What was expensive to make, kept between runs: bytes and JSON by key, in one SQLite file that processes share.

The cache never fails a command: a damaged file is made anew, a locked one is a miss. Values are data to be checked by
who reads them; nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from opsvi_cli.errors import StoreError

from .db import connect

T = TypeVar("T")
_MIGRATIONS = (
    """
    CREATE TABLE entries (
        namespace TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        size INTEGER NOT NULL,
        expires REAL,             -- seconds since 1970; NULL: never
        used REAL NOT NULL,
        PRIMARY KEY (namespace, key)
    ) STRICT;
    CREATE INDEX entries_by_use ON entries (used);
    CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 1), bytes INTEGER NOT NULL) STRICT;
    INSERT INTO totals VALUES (1, 0);
    CREATE TRIGGER entry_added AFTER INSERT ON entries
        BEGIN UPDATE totals SET bytes = bytes + new.size; END;
    CREATE TRIGGER entry_removed AFTER DELETE ON entries
        BEGIN UPDATE totals SET bytes = bytes - old.size; END;
    """,
)
_ROW_BYTES = 100
"""What an entry costs beside key and value, about."""
_USED_STEP = 60.0
"""Reading notes the time of use at most this often (seconds), so that most reads write nothing."""
_BATCH = 500
_KEPT_AFTER_EVICTION = 0.9


class CacheStats(NamedTuple):
    namespace: str
    entries: int
    bytes: int


class Removed(NamedTuple):
    entries: int
    bytes: int


class Cache:
    """The file. `max_bytes`: when it is passed, what was used longest ago goes. `clock`: seconds since 1970."""

    def __init__(
        self, path: Path, max_bytes: int, log: logging.Logger, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._log = log
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._gave_up = False

    def get_many(self, namespace: str, keys: Iterable[str]) -> dict[str, bytes]:
        """What is there of `keys`; a key that is not, or is too old, is left out."""
        wanted = list(dict.fromkeys(keys))
        return self._try(lambda db: self._read(db, namespace, wanted), {})

    def _read(self, db: sqlite3.Connection, namespace: str, keys: list[str]) -> dict[str, bytes]:
        now = self._clock()
        found: dict[str, bytes] = {}
        stale: list[tuple[float, str, str]] = []
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            marks = ",".join("?" * len(part))
            rows = db.execute(
                f"SELECT key, value, used FROM entries WHERE namespace = ? AND key IN ({marks})"  # noqa: S608
                " AND (expires IS NULL OR expires > ?)",
                (namespace, *part, now),
            )
            for key, value, used in rows:
                found[key] = value
                if now - used > _USED_STEP:
                    stale.append((now, namespace, key))
        if stale:
            with _transaction(db):
                db.executemany("UPDATE entries SET used = ? WHERE namespace = ? AND key = ?", stale)
        return found

    def put_many(self, namespace: str, items: Mapping[str, bytes], seconds: float | None = None) -> None:
        """Keep values, `seconds` long (None: until there is no room)."""
        now = self._clock()
        expires = None if seconds is None else now + seconds
        rows = [
            (namespace, key, value, len(key) + len(value) + _ROW_BYTES, expires, now) for key, value in items.items()
        ]
        if rows:
            self._try(lambda db: self._write(db, rows), None)

    def _write(self, db: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
        with _transaction(db):
            # Not INSERT OR REPLACE: that removes the old row without telling the trigger that keeps the total.
            db.executemany("DELETE FROM entries WHERE namespace = ? AND key = ?", [row[:2] for row in rows])
            db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._evict(db)

    def _evict(self, db: sqlite3.Connection) -> None:
        (total,) = db.execute("SELECT bytes FROM totals").fetchone()
        if total <= self._max_bytes:
            return
        db.execute("DELETE FROM entries WHERE expires <= ?", (self._clock(),))
        while True:
            (total,) = db.execute("SELECT bytes FROM totals").fetchone()
            if total <= self._max_bytes * _KEPT_AFTER_EVICTION:
                return
            oldest = "SELECT rowid FROM entries ORDER BY used, rowid LIMIT ?"
            share = max(1, _BATCH if total > 2 * self._max_bytes else _BATCH // 50)
            if not db.execute(f"DELETE FROM entries WHERE rowid IN ({oldest})", (share,)).rowcount:  # noqa: S608
                return

    def clear(self, namespace: str | None = None) -> Removed:
        """Forget everything, or one namespace."""
        return self._remove("? IS NULL OR namespace = ?", (namespace, namespace))

    def prune(self) -> Removed:
        """Forget what is too old to be given again."""
        return self._remove("expires <= ?", (self._clock(),))

    def _remove(self, where: str, values: Sequence[object]) -> Removed:
        """Delete, and give the room back to the disk. Raises StoreError: who asks for this wants it done."""

        def run(db: sqlite3.Connection) -> Removed:
            with _transaction(db):
                (before,) = db.execute("SELECT bytes FROM totals").fetchone()
                entries = db.execute(f"DELETE FROM entries WHERE {where}", values).rowcount  # noqa: S608  # ours
                (after,) = db.execute("SELECT bytes FROM totals").fetchone()
            if entries:
                db.execute("VACUUM")
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return Removed(entries, before - after)

        if not self.path.exists():
            return Removed(0, 0)
        done = self._try(run, None)
        if done is None:
            raise StoreError(f"{self.path} cannot be written", hint="try again when no other opsvi runs")
        return done

    def stats(self) -> list[CacheStats]:
        """Entries and bytes by namespace."""
        sql = "SELECT namespace, count(*), sum(size) FROM entries GROUP BY namespace ORDER BY namespace"
        return self._try(lambda db: [CacheStats(*row) for row in db.execute(sql)], [])

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _try(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Run on the open file; a file that is damaged is thrown away once, any other trouble is a miss."""
        with self._lock:
            for attempt in range(2):
                if self._gave_up:
                    break
                try:
                    return action(self._open())
                except (sqlite3.Error, StoreError, OSError) as error:
                    if attempt or not self._start_anew(error):
                        self._log.info("the cache is passed over: %s", error)
                        break
        return otherwise

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self.path, _MIGRATIONS, wait_seconds=5.0, threads=True)
            weakref.finalize(self, self._connection.close)
        return self._connection

    def _start_anew(self, error: Exception) -> bool:
        cause = error.__cause__ if isinstance(error, StoreError) else error
        name = getattr(cause, "sqlite_errorname", "")
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if not name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            self._gave_up = not name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
            return False
        self._log.info("the cache is damaged and made anew: %s", self.path)
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                self.path.with_name(self.path.name + suffix).unlink()
        return True


class CacheSpace:
    """The entries of one namespace. Without a cache it holds nothing."""

    def __init__(self, cache: Cache | None, namespace: str) -> None:
        self._cache = cache
        self._namespace = namespace

    def get(self, key: str) -> bytes | None:
        return self.get_many([key]).get(key)

    def put(self, key: str, value: bytes, *, seconds: float | None = None) -> None:
        self.put_many({key: value}, seconds=seconds)

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """What is there of `keys`."""
        return self._cache.get_many(self._namespace, keys) if self._cache is not None else {}

    def put_many(self, items: Mapping[str, bytes], *, seconds: float | None = None) -> None:
        """Keep values, `seconds` long (None: until there is no room)."""
        if self._cache is not None:
            self._cache.put_many(self._namespace, items, seconds)

    def get_json(self, key: str) -> Any:
        """A value that `put_json` kept; None when it is not there or is no JSON."""
        data = self.get(key)
        try:
            return None if data is None else json.loads(data)
        except ValueError:
            return None

    def put_json(self, key: str, value: Any, *, seconds: float | None = None) -> None:
        self.put(key, json.dumps(value).encode(), seconds=seconds)


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
