"""A breaker per host: after failures in a row nobody calls for a while, then one call tries.

The state is a row in SQLite, because a command lives for one call only and processes run side by side.
States (Nygard, Release It!): closed - calls pass; open - calls are refused; half-open - one call may try.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from opsvi_cli.errors import ProviderError
from opsvi_cli.foundation.db import connect

_MIGRATIONS = (
    """CREATE TABLE breakers (
        key TEXT PRIMARY KEY,
        failures INTEGER NOT NULL,
        opened REAL,          -- seconds since 1970; NULL: closed
        trying REAL,          -- when the one call of a half-open breaker began
        reason TEXT NOT NULL
    ) STRICT""",
)


class BreakerOpenError(ProviderError):
    """Refused without a call; another model may be tried."""

    @property
    def retryable(self) -> bool:
        return False


class Breakers:
    """`failures` in a row open the breaker of a key for `seconds`; 0 failures: no breaker."""

    def __init__(self, path: Path, failures: int, seconds: float, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._failures = failures
        self._seconds = seconds
        self._clock = clock
        self._open_connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()

    @property
    def _db(self) -> sqlite3.Connection:
        if self._open_connection is None:
            self._open_connection = connect(self._path, _MIGRATIONS, threads=True)
        return self._open_connection

    def _execute(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def close(self) -> None:
        if self._open_connection is not None:
            self._open_connection.close()
            self._open_connection = None

    def admit(self, key: str) -> None:
        """Raises BreakerOpenError while the breaker of `key` is open. When its time is over, one caller may try."""
        if self._failures <= 0 or not self._path.exists():
            return
        with self._lock:
            self._admit(key, self._clock())

    def _admit(self, key: str, now: float) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            row = self._db.execute("SELECT opened, trying, reason FROM breakers WHERE key = ?", (key,)).fetchone()
            if row is not None and row["opened"] is not None:
                # A clock set back must not keep a breaker open for ever; a caller that was killed does not block.
                waited = max(0.0, now - row["opened"])
                busy = row["trying"] is not None and 0 <= now - row["trying"] < self._seconds
                if waited < self._seconds or busy:
                    wait = max(1.0, self._seconds - waited)
                    raise BreakerOpenError(
                        f"{key} failed {self._failures} times in a row and is left alone for {wait:.0f} s: "
                        f"{row['reason']}",
                        kind="network",
                        hint="mend what failed, then wait; resilience.breaker_failures = 0 turns this off",
                    )
                self._db.execute("UPDATE breakers SET trying = ? WHERE key = ?", (now, key))
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def succeeded(self, key: str) -> None:
        if self._failures > 0 and self._path.exists():
            self._execute("DELETE FROM breakers WHERE key = ?", (key,))

    def failed(self, key: str, reason: str) -> None:
        """Count a failure; `reason` is shown while the breaker is open and must hold no secret."""
        if self._failures <= 0:
            return
        self._execute(
            """INSERT INTO breakers VALUES (:key, 1, CASE WHEN :limit <= 1 THEN :now END, NULL, :reason)
               ON CONFLICT (key) DO UPDATE SET failures = failures + 1, reason = :reason, trying = NULL,
                 opened = CASE WHEN opened IS NOT NULL OR failures + 1 >= :limit THEN :now END""",
            {"key": key, "limit": self._failures, "now": self._clock(), "reason": reason[:300]},
        )

    def released(self, key: str) -> None:
        """A call ended in a way that says nothing about the host (interrupted, a wrong key)."""
        if self._failures > 0 and self._path.exists():
            self._execute("UPDATE breakers SET trying = NULL WHERE key = ?", (key,))

    def open_keys(self) -> list[tuple[str, float, str]]:
        """(key, seconds left, reason) of every open breaker, for `opsvi doctor`."""
        if not self._path.exists():
            return []
        now = self._clock()
        rows = self._execute("SELECT key, opened, reason FROM breakers WHERE opened IS NOT NULL ORDER BY key")
        found = [(row["key"], row["opened"] + self._seconds - now, row["reason"]) for row in rows]
        return [entry for entry in found if entry[1] > 0]
