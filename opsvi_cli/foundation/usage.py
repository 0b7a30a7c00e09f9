"""What model calls used: a row a call, without any text of the prompt or the answer."""

from __future__ import annotations

import sqlite3
from dataclasses import astuple, dataclass, fields
from typing import NamedTuple

from .state import State


@dataclass(frozen=True, slots=True)
class UsageRow:
    """`time` is ISO-8601 in UTC; tokens are None when the provider does not say; `outcome` is `ok` or an error kind."""

    time: str
    command: str
    provider: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    seconds: float
    outcome: str = "ok"


class UsageTotal(NamedTuple):
    provider: str
    model: str
    calls: int
    failed: int
    input_tokens: int
    output_tokens: int
    seconds: float


_COLUMNS = ", ".join(item.name for item in fields(UsageRow))


class UsageLog:
    def __init__(self, state: State) -> None:
        self._state = state

    def record(self, row: UsageRow) -> None:
        """Keep a row. Never raises over the database."""
        marks = ", ".join("?" * len(fields(UsageRow)))
        sql = f"INSERT INTO usage ({_COLUMNS}) VALUES ({marks})"  # noqa: S608  # names of our own fields
        self._state.attempt(lambda db: db.execute(sql, astuple(row)), None)

    def rows(self, since: str = "", limit: int = 1000) -> list[UsageRow]:
        """The newest first, from the time `since` on (ISO-8601, UTC)."""
        sql = f"SELECT {_COLUMNS} FROM usage WHERE time >= ? ORDER BY id DESC LIMIT ?"  # noqa: S608
        return self._state.attempt(lambda db: [UsageRow(*row) for row in db.execute(sql, (since, limit))], [])

    def totals(self, since: str = "") -> list[UsageTotal]:
        """Sums by provider and model, from the time `since` on."""

        def read(db: sqlite3.Connection) -> list[UsageTotal]:
            rows = db.execute(
                "SELECT provider, model, count(*), sum(outcome <> 'ok'), coalesce(sum(input_tokens), 0),"
                " coalesce(sum(output_tokens), 0), sum(seconds) FROM usage WHERE time >= ?"
                " GROUP BY provider, model ORDER BY provider, model",
                (since,),
            )
            return [UsageTotal(*row) for row in rows]

        return self._state.attempt(read, [])
