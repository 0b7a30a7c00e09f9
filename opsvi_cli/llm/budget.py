"""Spending limits: a call whose estimate would pass one is not made; what was really spent counts afterwards.

The run's spending is counted in memory, that of the day (UTC) is the sum of the usage rows of every process. Calls
under way count with their estimate, so that calls at the same time cannot pass a limit together.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from math import floor, log10
from typing import TYPE_CHECKING

from opsvi_cli.errors import BudgetError
from opsvi_cli.sdk import Usage

from .layers import Below, Call, Events
from .prices import cost_of
from .tokens import estimate_request

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .models import ModelChoice

_MORE = "allow more with budget.per_run, or --max-cost of prompt, chat, query and batch"
TYPICAL_ANSWER = 1000
"""Tokens of an answer, when the request does not limit it."""
_LONGEST_CALL = timedelta(hours=1)
"""After so long a process that never said how its call ended is taken for dead."""


def budget(call: Call, below: Below) -> Events:
    """Refuse a call that would pass `budget.per_run` or `budget.per_day`. Raises BudgetError."""
    limits = call.app.settings.budget
    if not limits.per_run and not limits.per_day:
        yield from below(call)
        return
    with within_budget(call.app, call.choice, estimate_cost(call)):
        yield from below(call)


def estimate_cost(call: Call) -> float | None:
    """US dollars that a call is thought to cost; None when the price is not known."""
    written = call.request.max_tokens or TYPICAL_ANSWER
    return cost_of(call.app, call.choice, Usage(estimate_request(call.request), written), call.provider)


@contextlib.contextmanager
def within_budget(app: AppContext, choice: ModelChoice, estimate: float | None) -> Iterator[None]:
    """Hold what a call is thought to cost while it is made. Raises BudgetError when a limit has no room for it.

    A call that costs nothing is always let through, also when the limit is reached.
    """
    limits = app.settings.budget
    if estimate is None and (limits.per_run or limits.per_day):
        _unknown(app, choice)
    if not estimate:
        yield
        return
    with _of_the_run(app, choice, estimate), _of_the_day(app, choice, estimate):
        yield


def _unknown(app: AppContext, choice: ModelChoice) -> None:
    name = choice.name
    if app.settings.budget.unknown_price == "refuse":
        raise BudgetError(
            f"the price of {name} is not known, so its cost cannot be held within the budget; it was not asked",
            hint=f'set providers.{choice.provider}.prices."{choice.model or name}", or '
            "`opsvi config set budget.unknown_price allow`",
        )
    used = app.foundation.usage
    with used.lock:
        told = name in used.told
        used.told.add(name)
    if not told:
        app.log.warning("the price of %s is not known: the budget does not count it", name)


@contextlib.contextmanager
def _of_the_run(app: AppContext, choice: ModelChoice, estimate: float) -> Iterator[None]:
    used, limit = app.foundation.usage, app.settings.budget.per_run
    with used.lock:
        spent = used.spent + used.pending
        if limit and spent + estimate > limit:
            raise _passed(choice, "run", spent, limit, estimate, _MORE)
        used.pending += estimate
    try:
        yield
    finally:
        with used.lock:
            used.pending = max(0.0, used.pending - estimate)


@contextlib.contextmanager
def _of_the_day(app: AppContext, choice: ModelChoice, estimate: float) -> Iterator[None]:
    used, limit = app.foundation.usage, app.settings.budget.per_day
    if not limit:
        yield
        return
    now = app.now()
    until = (datetime.now(timezone.utc) + _LONGEST_CALL).isoformat()
    reserved = used.reserve(estimate, limit, now[:10], now, until)
    if reserved is None:
        raise BudgetError("what was spent today cannot be read, so nothing more is spent", hint="opsvi doctor")
    if reserved.number is None:
        hint = f"`opsvi usage --since {now[:10]}` shows it; allow more with budget.per_day"
        raise _passed(choice, "day", reserved.spent, limit, estimate, hint)
    try:
        yield
    finally:
        used.release(reserved)


def _passed(choice: ModelChoice, what: str, spent: float, limit: float, estimate: float, hint: str) -> BudgetError:
    return BudgetError(
        f"the budget of this {what} would be passed: {_dollars(spent)} spent of {_dollars(limit)}, "
        f"and {choice.name} would cost about {_dollars(estimate)}; it was not asked",
        hint=hint,
    )


def _dollars(amount: float) -> str:
    """Small amounts keep two digits: a limit that is not 0 must not read like 0."""
    return f"${amount:.4f}" if not amount or amount >= 0.001 else f"${amount:.{1 - floor(log10(amount))}f}"
