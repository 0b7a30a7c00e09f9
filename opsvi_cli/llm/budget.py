"""Spending limits: a call whose estimate would pass one is not made; what was really spent counts afterwards.

The run's spending is counted in memory, that of the day (UTC) is the sum of the usage rows of every process. Calls
under way count with their estimate, so that calls at the same time cannot pass a limit together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opsvi_cli.errors import BudgetError
from opsvi_cli.sdk import Usage

from .layers import Below, Call, Events
from .prices import cost_of
from .tokens import estimate_request

if TYPE_CHECKING:
    from opsvi_cli.foundation.usage import UsageLog

TYPICAL_ANSWER = 1000
"""Tokens of an answer, when the request does not limit it."""


def budget(call: Call, below: Below) -> Events:
    """Refuse a call that would pass `budget.per_run` or `budget.per_day`. Raises BudgetError."""
    limits = call.app.settings.budget
    if not limits.per_run and not limits.per_day:
        yield from below(call)
        return
    used = call.app.foundation.usage
    estimate = estimate_cost(call)
    if estimate is None:
        _unknown(call)
    reserved = estimate or 0.0
    with used.lock:
        _check(call, used, reserved)
        used.pending += reserved
    try:
        yield from below(call)
    finally:
        with used.lock:
            used.pending = max(0.0, used.pending - reserved)


def estimate_cost(call: Call) -> float | None:
    """US dollars that a call is thought to cost; None when the price is not known."""
    written = call.request.max_tokens or TYPICAL_ANSWER
    return cost_of(call.app, call.choice, Usage(estimate_request(call.request), written), call.provider)


def _unknown(call: Call) -> None:
    name = call.choice.name
    if call.app.settings.budget.unknown_price == "refuse":
        raise BudgetError(
            f"the price of {name} is not known, so its cost cannot be held within the budget; it was not asked",
            hint=f'set providers.{call.choice.provider}.prices."{call.choice.model or name}", or '
            "`opsvi config set budget.unknown_price allow`",
        )
    call.app.log.warning("the price of %s is not known: the budget does not count it", name)


def _check(call: Call, used: UsageLog, estimate: float) -> None:
    limits = call.app.settings.budget
    if limits.per_run:
        hint = "allow more with --max-cost (budget.per_run)"
        _refuse_above(call, "run", used.spent + used.pending, limits.per_run, estimate, hint)
    if limits.per_day:
        today = used.cost(call.app.now()[:10])
        if today is None:
            raise BudgetError("what was spent today cannot be read, so nothing more is spent", hint="opsvi doctor")
        hint = "`opsvi usage --since 1d` shows it; allow more with budget.per_day"
        _refuse_above(call, "day", max(today, used.spent) + used.pending, limits.per_day, estimate, hint)


def _refuse_above(call: Call, what: str, spent: float, limit: float, estimate: float, hint: str) -> None:
    """A call that costs nothing is always let through, also when the limit is reached."""
    if not estimate or spent + estimate <= limit:
        return
    raise BudgetError(
        f"the budget of this {what} would be passed: ${spent:.4f} spent of ${limit:.4f}, "
        f"and {call.choice.name} would cost about ${estimate:.4f}; it was not asked",
        hint=hint,
    )
