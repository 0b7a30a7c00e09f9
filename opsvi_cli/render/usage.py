"""Usage and money as people see them."""

from __future__ import annotations

from typing import Any

from opsvi_cli.context import AppContext
from opsvi_cli.llm.usage_report import UsageReport, UsageSum

from .output import dump, message, pick, show_rows

FIELDS = ("since", "by", "rows", "total", "prices")


def dollars(cost: float | None) -> str:
    """An amount to read; small ones keep their digits. None: `unknown`."""
    if cost is None:
        return "unknown"
    if cost == 0:
        return "$0"
    if cost < 0.00001:
        return "<$0.00001"
    return f"${cost:,.2f}" if cost >= 10 else f"${cost:.4f}" if cost >= 0.01 else f"${cost:.5f}"


def cost_text(found: UsageSum) -> str:
    """The cost of a sum, with how many calls have none."""
    about = "~" if found.estimated and found.cost else ""
    if found.cost is None:
        return dollars(None)
    more = f" + {found.unknown_cost} unknown" if found.unknown_cost else ""
    return f"{about}{dollars(found.cost)}{more}"


def show_report(app: AppContext, report: UsageReport) -> None:
    """A table with a line of totals; the price table and its date go to stderr."""
    pick(app, dict.fromkeys(FIELDS), FIELDS)
    if app.options.machine:
        app.out.write(dump(pick(app, report.record(), FIELDS), indent=None if app.options.jsonl else 2) + "\n")
        return
    rows = [_row(report.by, name, found) for name, found in report.rows]
    if rows:
        rows.append(_row(report.by, "total", report.total))
    columns = _columns(app, report)
    show_rows(app, rows, columns, empty="no model was called yet" + (" since then" if report.since else ""))
    if report.total.from_cache:
        message(app, saved_text(report.total))
    if rows:
        message(app, prices_text(report))


def saved_text(found: UsageSum) -> str:
    """What the cache of answers was good for."""
    answers = "1 answer" if found.from_cache == 1 else f"{found.from_cache:,} answers"
    return f"{answers} came from the cache, and saved {dollars(found.saved)}"


def prices_text(report: UsageReport) -> str:
    """Which prices were used, and of when they are."""
    return f"prices: {report.table}, newest of {report.table_date}; your own prices go first"


def _columns(app: AppContext, report: UsageReport) -> tuple[str, ...]:
    """All in a pipe, where their places must not change; on a terminal what says something and fits."""
    row = _row(report.by, "", report.total)
    if not app.is_terminal(app.out):
        return tuple(row)
    dropped = {name for name in ("failed", "cached", "reasoning") if not row[name]}
    return tuple(name for name in row if name not in {*dropped, "p95_s"})


def _row(by: str, name: str, found: UsageSum) -> dict[str, Any]:
    return {
        by: name,
        "calls": found.calls,
        "failed": found.failed,
        "input": found.input_tokens,
        "cached": found.cached_tokens,
        "output": found.output_tokens,
        "reasoning": found.reasoning_tokens,
        "median_s": f"{found.seconds_median:.2f}",
        "p95_s": f"{found.seconds_p95:.2f}",
        "cost": cost_text(found),
    }
