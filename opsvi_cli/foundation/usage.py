"""What model calls used: a row a call, without any text of the prompt or the answer."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from dataclasses import astuple, dataclass, fields
from typing import NamedTuple

from .state import State

FROM_CACHE = "cached"
"""The outcome of an answer that was given again: no model was called, so it is no call in any sum."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """`time` is ISO-8601 in UTC; tokens are None when the provider does not say; `outcome` is `ok` or an error kind.

    `cost` is in US dollars, None when the price is not known. `estimated`: the server counted nothing (a call that was
    cut), so tokens and cost are estimates. `run` is one for all calls of one run of opsvi. `saved` is what an answer
    from the cache would have cost.
    """

    time: str
    command: str
    provider: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    seconds: float
    outcome: str = "ok"
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: float | None = None
    estimated: bool = False
    run: str = ""
    saved: float | None = None


class Reserved(NamedTuple):
    """`number` is None when it was refused, as `spent` and it together would have passed the limit."""

    number: int | None
    spent: float


_COLUMNS = ", ".join(item.name for item in fields(UsageRow))


class UsageLog:
    """`spent` is what this run has cost so far, `unpriced` how many of its calls have no known price.

    `pending` is what its calls under way are thought to cost. `told` names the models without a price that were said.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.lock = threading.Lock()
        self.spent = 0.0
        self.unpriced = 0
        self.pending = 0.0
        self.told: set[str] = set()

    def record(self, row: UsageRow) -> None:
        """Keep a row. Never raises over the database."""
        with self.lock:
            self.spent += row.cost or 0.0
            self.unpriced += row.cost is None
        marks = ", ".join("?" * len(fields(UsageRow)))
        sql = f"INSERT INTO usage ({_COLUMNS}) VALUES ({marks})"  # noqa: S608  # names of our own fields
        self._state.attempt(lambda db: db.execute(sql, astuple(row)), None)

    def rows(self, since: str = "", limit: int = -1) -> list[UsageRow]:
        """The newest first, from the time `since` on (ISO-8601, UTC). Raises StoreError."""
        sql = f"SELECT {_COLUMNS} FROM usage WHERE time >= ? ORDER BY id DESC LIMIT ?"  # noqa: S608
        return self._state.read(lambda db: [_row(row) for row in db.execute(sql, (since, limit))])

    def reserve(self, cost: float, limit: float, day: str, now: str, until: str) -> Reserved | None:
        """Set `cost` aside if the day's calls of every process, those under way too, leave room for it.

        One transaction looks and writes, so that two processes cannot both take the last room. `release` gives it back;
        of a process that died it counts until `until`. None when the database cannot be used.
        """

        def run(db: sqlite3.Connection) -> Reserved:
            db.execute("BEGIN IMMEDIATE")
            try:
                db.execute("DELETE FROM reserved WHERE until < ?", (now,))
                sql = (
                    "SELECT (SELECT coalesce(sum(cost), 0.0) FROM usage WHERE time >= ?)"
                    " + (SELECT coalesce(sum(cost), 0.0) FROM reserved)"
                )
                (spent,) = db.execute(sql, (day,)).fetchone()
                number = None
                if spent + cost <= limit:
                    number = db.execute("INSERT INTO reserved (until, cost) VALUES (?, ?)", (until, cost)).lastrowid
                db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):  # a full disk has ended the transaction already
                    db.execute("ROLLBACK")
                raise
            return Reserved(number, spent)

        return self._state.attempt(run, None)

    def release(self, reserved: Reserved) -> None:
        """What was set aside is spent and counted by now, or was not needed."""
        sql = "DELETE FROM reserved WHERE id = ?"
        self._state.attempt(lambda db: db.execute(sql, (reserved.number,)), None)


def _row(values: sqlite3.Row) -> UsageRow:
    named = dict(values)
    return UsageRow(**{**named, "estimated": bool(named["estimated"])})
