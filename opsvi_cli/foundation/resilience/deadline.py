"""Waiting that knows the end of the run."""

from __future__ import annotations

import time
from collections.abc import Callable

Remaining = Callable[[], float | None]
"""Seconds left of the run, None without `--timeout`; raises DeadlineError when none is left."""


def no_deadline() -> float | None:
    return None


def at_most(seconds: float, remaining: Remaining, over: Callable[[], Exception]) -> Remaining:
    """The same end, but no later than `seconds` from now: then `over()` is raised; 0 seconds: no other end."""
    if seconds <= 0:
        return remaining
    ends = time.monotonic() + seconds

    def left() -> float | None:
        whole = remaining()
        mine = ends - time.monotonic()
        if mine <= 0:
            raise over()
        return mine if whole is None else min(whole, mine)

    return left


def fits(seconds: float, remaining: Remaining) -> bool:
    """True when a wait of `seconds` ends before the run's deadline."""
    left = remaining()
    return left is None or seconds < left


def pause(seconds: float, remaining: Remaining) -> None:
    """Sleep `seconds`, or until the deadline; then DeadlineError is raised."""
    left = remaining()
    time.sleep(seconds if left is None else min(seconds, left))
    remaining()
