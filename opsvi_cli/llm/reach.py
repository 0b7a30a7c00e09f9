"""The layers that stand between a call and its host: rate limit, breaker, retries."""

from __future__ import annotations

from .layers import Below, Call, Events


def rate_limit(call: Call, below: Below) -> Events:
    """Wait for a place among the requests of this minute. Raises DeadlineError while waiting."""
    call.app.foundation.resilience.wait_for_place(call.key, call.remaining)
    yield from below(call)


def breaker(call: Call, below: Below) -> Events:
    """Leave a host alone that failed too often, and call none too often at once; all tries count as one call.

    Raises BreakerOpenError (a ProviderError).
    """
    with call.app.foundation.resilience.admitted(call.key, call.remaining):
        yield from below(call)


def retry(call: Call, below: Below) -> Events:
    """Ask again after failures that may pass; not after the first piece of text, which is never taken back."""
    resilience = call.app.foundation.resilience
    for attempt in resilience.tries(call.key, lambda: not call.progress.started, call.remaining):
        with attempt:
            yield from below(call)
