"""What stands between opsvi and a host that is slow, overloaded or gone. `Resilience` puts the pieces together."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from opsvi_cli.errors import OpsviError, ProviderError, StoreError
from opsvi_cli.foundation.schema import Resilience as Settings

from .deadline import Remaining, no_deadline
from .fallback import first_that_answers

if TYPE_CHECKING:
    from stamina import Attempt

    from .breaker import Breakers

__all__ = ["Resilience", "first_that_answers"]

T = TypeVar("T")
# Kinds of failure that speak against the host, not against the request.
_COUNTED = frozenset({"network", "timeout", "server"})


class Resilience:
    """Breaker, rate limit, bulkhead and retries with the user's settings. `state` is a directory that processes share.

    A key names a host: `openai@api.openai.com:443`. `remaining` of a method is the deadline of one call.
    """

    def __init__(
        self, settings: Settings, state: Path, remaining: Remaining = no_deadline, log: logging.Logger | None = None
    ) -> None:
        self.settings = settings
        self._state = state
        self._remaining = remaining
        self._log = log or logging.getLogger("opsvi.resilience")
        self._breakers: Breakers | None = None
        self._unshared = False

    @property
    def breakers(self) -> Breakers:
        if self._breakers is None:
            from .breaker import Breakers

            self._breakers = Breakers(
                self._state / "breakers.db", self.settings.breaker_failures, self.settings.breaker_seconds
            )
        return self._breakers

    @contextlib.contextmanager
    def admitted(self, key: str, remaining: Remaining | None = None) -> Iterator[None]:
        """One call with all its tries: waits for a free place, and lets the breaker see how it ended.

        Raises BreakerOpenError (a ProviderError) when the host is left alone, DeadlineError while waiting.
        """
        from .bulkhead import slot

        self._tell(lambda breakers: breakers.admit(key))
        settled = False
        try:
            with slot(self._state / "slots", key, self.settings.concurrency, remaining or self._remaining):
                yield
            self._tell(lambda breakers: breakers.succeeded(key))
            settled = True
        except OpsviError as error:
            kind = error.kind if isinstance(error, ProviderError) else ""
            if kind in _COUNTED or (not kind and getattr(error, "retryable", False)):
                reason = error.message
                self._tell(lambda breakers: breakers.failed(key, reason))
                settled = True
            raise
        finally:
            if not settled:
                self._tell(lambda breakers: breakers.released(key))

    def _tell(self, action: Callable[[Breakers], None]) -> None:
        """Trouble with the breakers' file ends no call: what was asked for is worth more than the breaker."""
        if self._unshared:
            return
        try:
            action(self.breakers)
        except (sqlite3.Error, StoreError, OSError) as error:
            self._unshared = True
            self._log.info("hosts that fail are not left alone in this run: %s; see `opsvi doctor`", error)

    def wait_for_place(self, key: str, remaining: Remaining | None = None) -> None:
        """Take a place in the rate limit. Raises DeadlineError while waiting."""
        from .rate import acquire

        acquire(self._state / "rates.db", key, self.settings.requests_per_minute, remaining or self._remaining)

    def tries(
        self, key: str, allowed: Callable[[], bool] = lambda: True, remaining: Remaining | None = None
    ) -> Iterator[Attempt]:
        """Attempts for `for attempt in tries(...): with attempt: ...`; each after the first takes a place of its own
        in the rate limit."""
        from .retry import tries

        settings, remaining = self.settings, remaining or self._remaining
        for attempt in tries(settings.retries, settings.max_wait, remaining, self._log, allowed):
            if attempt.num > 1:
                self.wait_for_place(key, remaining)
            yield attempt

    def call(self, key: str, action: Callable[[], T]) -> T:
        """`action()` with everything around it. It is repeated after errors whose `retryable` is true."""
        self.wait_for_place(key)
        with self.admitted(key):
            for attempt in self.tries(key):
                with attempt:
                    return action()
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        if self._breakers is not None:
            self._breakers.close()
