"""What models were used for: calls, tokens, time and cost, by day, model, command or provider."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from opsvi_cli.foundation.usage import FROM_CACHE, UsageRow

from .prices import table_date, table_name

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

By: TypeAlias = Literal["day", "model", "command", "provider"]
_KEYS: Mapping[By, Callable[[UsageRow], str]] = {
    "day": lambda row: row.time[:10],
    "model": lambda row: f"{row.provider}/{row.model}" if row.model else row.provider,
    "command": lambda row: row.command,
    "provider": lambda row: row.provider,
}


@dataclass(frozen=True, slots=True)
class UsageSum:
    """`cost` is in US dollars, that of the calls whose price is known; None when that is none of them.

    `unknown_cost` counts the others. `estimated`: some numbers are estimates, as a server did not count. `from_cache`
    counts answers that were given again and are no calls, `saved` is what they would have cost where that is known.
    """

    calls: int
    failed: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    seconds_median: float
    seconds_p95: float
    cost: float | None
    unknown_cost: int
    estimated: bool
    from_cache: int
    saved: float


@dataclass(frozen=True, slots=True)
class UsageReport:
    """`rows` in order: days by date, the others by cost and tokens, the largest first."""

    since: str
    by: By
    rows: tuple[tuple[str, UsageSum], ...]
    total: UsageSum
    table: str
    table_date: str

    def record(self) -> dict[str, Any]:
        return {
            "since": self.since or None,
            "by": self.by,
            "rows": [{self.by: name, **asdict(found)} for name, found in self.rows],
            "total": asdict(self.total),
            "prices": {"table": self.table, "date": self.table_date},
        }


def usage_report(app: AppContext, by: By, since: str = "") -> UsageReport:
    """Sums over all calls since a point in time (ISO-8601, UTC)."""
    return report_of(app, app.foundation.usage.rows(since), by, since)


def report_of(app: AppContext, rows: Sequence[UsageRow], by: By, since: str = "") -> UsageReport:
    """The same over rows that were read already."""
    return UsageReport(since, by, _grouped(rows, by), summed(rows), table_name(), table_date(app))


def _grouped(rows: Iterable[UsageRow], by: By) -> tuple[tuple[str, UsageSum], ...]:
    groups: dict[str, list[UsageRow]] = {}
    for row in rows:
        groups.setdefault(_KEYS[by](row), []).append(row)
    sums = [(name, summed(group)) for name, group in groups.items()]
    if by == "day":
        return tuple(sorted(sums, key=lambda item: item[0]))
    return tuple(
        sorted(sums, key=lambda item: (-(item[1].cost or 0), -item[1].input_tokens - item[1].output_tokens, item[0]))
    )


def summed(found: Sequence[UsageRow]) -> UsageSum:
    """The sum of some calls."""
    rows = [row for row in found if row.outcome != FROM_CACHE]
    saved = [row.saved or 0.0 for row in found if row.outcome == FROM_CACHE]
    seconds = sorted(row.seconds for row in rows if row.seconds)  # of a vendor's batch nobody knows
    costs = [row.cost for row in rows if row.cost is not None]
    return UsageSum(
        calls=len(rows),
        failed=sum(row.outcome != "ok" for row in rows),
        input_tokens=sum(row.input_tokens or 0 for row in rows),
        output_tokens=sum(row.output_tokens or 0 for row in rows),
        cached_tokens=sum(row.cached_tokens or 0 for row in rows),
        reasoning_tokens=sum(row.reasoning_tokens or 0 for row in rows),
        seconds_median=round(median(seconds), 3) if seconds else 0.0,
        seconds_p95=_percentile(seconds, 95),
        cost=round(sum(costs), 9) if costs or not rows else None,
        unknown_cost=len(rows) - len(costs),
        estimated=any(row.estimated for row in rows),
        from_cache=len(saved),
        saved=round(sum(saved), 9),
    )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The smallest value that this share of the values does not exceed (nearest rank)."""
    return round(ordered[-(-len(ordered) * percent // 100) - 1], 3) if ordered else 0.0
