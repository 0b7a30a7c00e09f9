"""Further tries after failures that may pass, with growing waits or the wait that the server asked for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from .deadline import Remaining, fits

if TYPE_CHECKING:
    from stamina import Attempt

FIRST_WAIT = 0.25
LONGEST_WAIT = 10.0


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
        if asked is None:
            log.info("try %d of %d failed: %s", made, retries + 1, error)
            return fits(FIRST_WAIT, remaining)
        if asked > max_wait or not fits(asked, remaining):
            return False
        log.info("try %d of %d failed, the next one in %.1f s: %s", made, retries + 1, asked, error)
        return asked

    yield from stamina.retry_context(
        on=decide,
        attempts=retries + 1,
        timeout=None,
        wait_initial=FIRST_WAIT,
        wait_max=LONGEST_WAIT,
        wait_jitter=FIRST_WAIT,
        wait_exp_base=3,
    )
