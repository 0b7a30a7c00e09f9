"""What model calls used: a row a call, without any text of the prompt or the answer."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import astuple, dataclass, fields

from .state import State


@dataclass(frozen=True, slots=True)
class UsageRow:
    """`time` is ISO-8601 in UTC; tokens are None when the provider does not say; `outcome` is `ok` or an error kind.

    `cost` is in US dollars, None when the price is not known. `estimated`: the server counted nothing (a call that was
    cut), so tokens and cost are estimates. `run` is one for all calls of one run of opsvi.
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


_COLUMNS = ", ".join(item.name for item in fields(UsageRow))


class UsageLog:
    """`spent` is what this run has cost so far, `unpriced` how many of its calls have no known price.

    `pending` is what its calls under way are thought to cost.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.lock = threading.Lock()
        self.spent = 0.0
        self.unpriced = 0
        self.pending = 0.0

    def record(self, row: UsageRow) -> None:
        """Keep a row. Never raises over the database."""
        with self.lock:
            self.spent += row.cost or 0.0
            self.unpriced += row.cost is None
        marks = ", ".join("?" * len(fields(UsageRow)))
        sql = f"INSERT INTO usage ({_COLUMNS}) VALUES ({marks})"  # noqa: S608  # names of our own fields
        self._state.attempt(lambda db: db.execute(sql, astuple(row)), None)

    def rows(self, since: str = "", limit: int = -1) -> list[UsageRow]:
        """The newest first, from the time `since` on (ISO-8601, UTC)."""
        sql = f"SELECT {_COLUMNS} FROM usage WHERE time >= ? ORDER BY id DESC LIMIT ?"  # noqa: S608
        return self._state.attempt(lambda db: [_row(row) for row in db.execute(sql, (since, limit))], [])

    def cost(self, since: str) -> float | None:
        """US dollars of all calls from `since` on, of every process; None when that cannot be read."""
        sql = "SELECT coalesce(sum(cost), 0) FROM usage WHERE time >= ?"
        return self._state.attempt(lambda db: float(db.execute(sql, (since,)).fetchone()[0]), None)


def _row(values: sqlite3.Row) -> UsageRow:
    named = dict(values)
    return UsageRow(**{**named, "estimated": bool(named["estimated"])})
