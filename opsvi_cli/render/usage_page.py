"""`opsvi usage --html`: one page with plots that needs no network and runs no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from opsvi_cli.context import AppContext
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.llm.usage_report import By, UsageReport, UsageSum, report_of

from .output import save
from .usage import cost_text, dollars, prices_text

_MOST_BARS = 12
_MOST_DAYS = 92
_PLOTS: tuple[tuple[By, str], ...] = (("model", "By model"), ("command", "By command"))
PLOT_WIDTH, PLOT_HEIGHT = 720.0, 180.0


@dataclass(frozen=True)
class Bar:
    """A bar of a plot; lengths are shares of the longest, 0..1."""

    label: str
    share: float
    text: str
    title: str


def write_page(app: AppContext, file: str, since: str) -> None:
    """Write the page, whole or not at all, for the user's eyes only."""
    rows = app.foundation.usage.rows(since)
    save(app, file, page(app, {by: report_of(app, rows, by, since) for by in ("day", "model", "command")}))


def page(app: AppContext, reports: dict[Any, UsageReport]) -> str:
    """The page as text."""
    from jinja2 import Environment, StrictUndefined

    template = Path(__file__).with_name("usage_page.html.jinja").read_text(encoding="utf-8")
    reports = {by: _shown(report) for by, report in reports.items()}
    days = reports["day"]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template).render(
        since=days.since[:10] or (days.rows[0][0] if days.rows else ""),
        made=app.now()[:16].replace("T", " ") + " UTC",
        total=days.total,
        total_cost=cost_text(replace(days.total, unknown_cost=0)),
        prices=prices_text(days),
        timeline=[_timeline(days, money=True), _timeline(days, money=False)],
        plots=[(title, _bars(reports[by])) for by, title in _PLOTS],
        tables=[("Days", days), *[(title, reports[by]) for by, title in _PLOTS]],
        cost_text=cost_text,
        dollars=dollars,
    )


def _shown(report: UsageReport) -> UsageReport:
    """Names without what turns the direction of the text behind them."""
    return replace(report, rows=tuple((plain(name), found) for name, found in report.rows))


def _amount(found: UsageSum) -> float:
    """What a bar shows: money; tokens where nothing has a price."""
    return found.cost or 0.0


def _tokens(found: UsageSum) -> int:
    return found.input_tokens + found.output_tokens


def _bars(report: UsageReport) -> list[Bar]:
    rows = list(report.rows[:_MOST_BARS])
    money = any(_amount(found) for _, found in rows)
    longest = max((_amount(found) if money else _tokens(found) for _, found in rows), default=0) or 1
    return [
        Bar(
            label=name,
            share=(_amount(found) if money else _tokens(found)) / longest,
            text=cost_text(found) if money else f"{_tokens(found):,} tokens",
            title=_title(name, found),
        )
        for name, found in rows
    ]


def _title(name: str, found: UsageSum) -> str:
    return f"{name}: {found.calls:,} calls, {_tokens(found):,} tokens, {cost_text(found)}"


def _timeline(report: UsageReport, *, money: bool) -> dict[str, Any]:
    """The bars of every day, those without a call too, and three lines to read them by."""
    days = _every_day(report)
    values = [(_amount(found) if money else float(_tokens(found))) if found else 0.0 for _, found in days]
    top = _round_up(max(values, default=0.0))
    step = PLOT_WIDTH / max(len(days), 1)
    bars = []
    for number, ((day, found), value) in enumerate(zip(days, values, strict=True)):
        height = value / top * PLOT_HEIGHT
        title = _title(day, found) if found else f"{day}: no calls"
        width = max(step - 2, 1) if len(days) > 8 else min(step - 8, 60)
        x = number * step + (step - width) / 2
        bars.append({"x": x, "y": PLOT_HEIGHT - height, "width": width, "height": height, "title": title})
    lines = [
        {"y": PLOT_HEIGHT * (1 - share), "text": f"${top * share:,g}" if money else _short(top * share)}
        for share in (0, 0.5, 1)
    ]
    every = max(1, -(-len(days) // 8))
    labels = [
        {"x": number * step + step / 2, "text": day[5:]} for number, (day, _) in enumerate(days) if number % every == 0
    ]
    cut = bool(days) and days[0][0] > report.rows[0][0]
    return {
        "title": ("Cost per day" if money else "Tokens per day") + (f", the last {_MOST_DAYS} days" if cut else ""),
        "empty": not any(values),
        "bars": bars,
        "lines": lines,
        "labels": labels,
        "kind": "money" if money else "tokens",
    }


def _every_day(report: UsageReport) -> Sequence[tuple[str, UsageSum | None]]:
    if not report.rows:
        return []
    known = dict(report.rows)
    last = date.fromisoformat(report.rows[-1][0])
    first = max(date.fromisoformat(report.rows[0][0]), last - timedelta(days=_MOST_DAYS - 1))
    days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]
    return [(day, known.get(day)) for day in days]


def _round_up(value: float) -> float:
    """The next round number, for an axis."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(power * factor for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if power * factor >= value * 0.999999)


def _short(number: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:g}{unit}"
    return f"{number:g}"
