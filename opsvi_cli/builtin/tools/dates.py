"""Tool `date`: what time it is somewhere, and how days are counted."""

from __future__ import annotations

from datetime import date as calendar_date
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Annotated

from opsvi_cli.sdk import UsageError, tool


@tool(side_effects=False, taints=False)
def date(
    zone: Annotated[str, "time zone, e.g. Europe/Berlin; UTC when empty"] = "",
    day: Annotated[str, "a day to count from, YYYY-MM-DD; now when empty"] = "",
    add_days: Annotated[int, "days to add; may be negative"] = 0,
    until: Annotated[str, "also count the days to this one, YYYY-MM-DD"] = "",
) -> dict[str, str | int]:
    """Says the date and time now, or counts days from a date: day of the week, ISO week, days until another."""
    here = _zone(zone)
    moment = datetime.now(here)
    if day:
        moment = datetime.combine(_day(day), datetime.min.time(), here)
    try:
        moment += timedelta(days=add_days)
    except OverflowError as error:
        raise UsageError("that day is outside the calendar (years 1 to 9999)") from error
    result: dict[str, str | int] = {
        "date": moment.date().isoformat(),
        "weekday": moment.strftime("%A"),
        "week": f"{moment.isocalendar().year}-W{moment.isocalendar().week:02d}",
    }
    if not day:
        result["time"] = moment.isoformat(timespec="seconds")
    if until:
        result["days_until"] = (_day(until) - moment.date()).days
    return result


def _zone(name: str) -> tzinfo:
    if not name or name.upper() == "UTC":
        return timezone.utc
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise UsageError(f"there is no time zone {name[:60]!r}") from error


def _day(text: str) -> calendar_date:
    try:
        return calendar_date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text[:40]!r} is no day: YYYY-MM-DD") from error
