"""Further tries after failures that may pass, with growing waits or the wait that the server asked for."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .deadline import Remaining, fits

if TYPE_CHECKING:
    from stamina import Attempt

FIRST_WAIT = 0.25
LONGEST_WAIT = 10.0
LONG_WAIT = 5.0
"""Waits from here on are said without being asked."""


def _backoff(made: int) -> float:
    """Growing waits, spread so that many callers do not come back at once."""
    longest = min(FIRST_WAIT * 3.0 ** min(made - 1, 10), LONGEST_WAIT)
    return longest + random.uniform(0, FIRST_WAIT)  # noqa: S311  # no secret


def tries(
    retries: int,
    max_wait: float,
    remaining: Remaining,
    log: logging.Logger,
    allowed: Callable[[], bool] = lambda: True,
) -> Iterator[Attempt]:
    """Attempts for `for attempt in tries(...): with attempt: ...`.

    An error is tried again when its `retryable` is true, `allowed()` says so, and the wait asked for in its
    `retry_after` (seconds) is neither over `max_wait` nor past the deadline. The last error is raised as it is.
    """
    import stamina
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks([])  # stamina's own hooks log the arguments, and structlog's go to stdout
    made = 0

    def decide(error: Exception) -> bool | float:
        nonlocal made
        if not getattr(error, "retryable", False) or not allowed():
            return False
        made += 1
        if made > retries:
            return False
        asked: float | None = getattr(error, "retry_after", None)
        wait = asked if asked is not None else _backoff(made)
        if (asked is not None and asked > max_wait) or not fits(wait, remaining):
            return False
        level = logging.WARNING if wait >= LONG_WAIT else logging.INFO
        log.log(level, "try %d of %d failed, the next one in %.1f s: %s", made, retries + 1, wait, error)
        return wait

    yield from stamina.retry_context(
        on=decide,
        attempts=retries + 1,
        timeout=None,
    )
