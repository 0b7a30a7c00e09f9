"""Points in time as people write them on the command line."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from opsvi_cli.errors import UsageError

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_moment(text: str, option: str) -> str:
    """`7d`, `12h`, `4w` ago, or a date or time, as ISO-8601 in UTC. Raises UsageError that names the option."""
    number, unit = text[:-1], text[-1:]
    try:
        if unit in _UNITS and number.isascii() and number.isdecimal():
            found = datetime.now(timezone.utc) - timedelta(**{_UNITS[unit]: int(number)})
        else:
            found = datetime.fromisoformat(text)
            found = found.replace(tzinfo=timezone.utc) if found.tzinfo is None else found.astimezone(timezone.utc)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option}: {text!r} is no point in time", hint="7d, 12h, 4w, 2026-01-31 or 2026-01-31T12:00"
        ) from error
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z")
