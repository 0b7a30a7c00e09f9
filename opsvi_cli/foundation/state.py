"""The state database: what happened and what it used. Trouble with it never ends a command."""

from __future__ import annotations

import logging
import sqlite3
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from opsvi_cli.errors import StoreError

from .db import connect, database_error

T = TypeVar("T")
MIGRATIONS = (
    """
    CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        time TEXT NOT NULL,       -- ISO-8601, UTC
        name TEXT NOT NULL,
        data TEXT NOT NULL        -- JSON object, redacted
    ) STRICT;
    CREATE TABLE usage (
        id INTEGER PRIMARY KEY,
        time TEXT NOT NULL,
        command TEXT NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        input_tokens INTEGER,     -- NULL: the provider did not say
        output_tokens INTEGER,
        seconds REAL NOT NULL,
        outcome TEXT NOT NULL     -- ok, or the kind of the error
    ) STRICT;
    CREATE INDEX usage_by_time ON usage (time);
    """,
    """
    ALTER TABLE usage ADD COLUMN cached_tokens INTEGER;
    ALTER TABLE usage ADD COLUMN reasoning_tokens INTEGER;
    ALTER TABLE usage ADD COLUMN cost REAL;                         -- US dollars; NULL: the price is not known
    ALTER TABLE usage ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;  -- 1: tokens and cost are estimates
    ALTER TABLE usage ADD COLUMN run TEXT NOT NULL DEFAULT '';      -- which run of opsvi made the call
    """,
    """
    CREATE TABLE reserved (           -- what calls under way are thought to cost, of every process
        id INTEGER PRIMARY KEY,
        until TEXT NOT NULL,          -- ISO-8601, UTC; then it counts no more: its process has died
        cost REAL NOT NULL
    ) STRICT;
    ALTER TABLE usage ADD COLUMN saved REAL;  -- of an answer from the cache: what it would have cost; NULL: not known
    """,
)


class State:
    """The file, opened on first use. After the first failure it is left alone for the rest of the run."""

    def __init__(self, path: Path, log: logging.Logger) -> None:
        self.path = path
        self._log = log
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._broken = False

    def attempt(self, action: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """`action` on the open database; `otherwise`, and one line at -v, when that fails."""
        with self._lock:
            if self._broken:
                return otherwise
            try:
                return action(self._open())
            except (sqlite3.Error, StoreError, OSError) as error:
                self._broken = True
                self._log.info("events and usage of this run are not kept: %s; see `opsvi doctor`", error)
                return otherwise

    def read(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """For who asks what happened: nothing to be read is not the same as nothing. Raises StoreError."""
        with self._lock:
            try:
                return action(self._open())
            except sqlite3.Error as error:
                raise database_error(self.path, error) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = connect(self.path, MIGRATIONS, wait_seconds=2.0, threads=True)
            weakref.finalize(self, self._connection.close)
        return self._connection

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
