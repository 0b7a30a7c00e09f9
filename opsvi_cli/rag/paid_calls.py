"""Calls of embedders and rerankers that ask a server: held to the budgets, priced and counted as those of models are.

These parts do not say what the server has counted, so tokens and cost are estimates.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError
from opsvi_cli.foundation.usage import UsageRow
from opsvi_cli.llm.budget import within_budget
from opsvi_cli.llm.models import ModelChoice
from opsvi_cli.llm.prices import cost_of
from opsvi_cli.llm.tokens import estimate_tokens
from opsvi_cli.sdk import Usage

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.foundation.services import PartServices


@contextlib.contextmanager
def paid(
    app: AppContext, choice: ModelChoice, part: object, services: PartServices, texts: Sequence[str]
) -> Iterator[None]:
    """One call that sends `texts`. Raises BudgetError when a limit has no room for it, and nothing is asked then."""
    usage = Usage(sum(map(estimate_tokens, texts)), 0)

    def cost() -> float | None:
        # Asked before and after: only the call itself tells whose address the part asks.
        return cost_of(app, choice, usage, part, services.asked)

    with within_budget(app, choice, cost()):
        began, outcome = time.monotonic(), "cancelled"
        try:
            yield
            outcome = "ok"
        except OpsviError as error:
            outcome = str(error.details.get("kind") or error.code)
            raise
        finally:
            done = outcome == "ok"
            counted = usage if done else Usage()
            row = UsageRow(
                time=app.now(),
                command=app.command,
                provider=choice.provider,
                model=choice.model,
                input_tokens=counted.input_tokens,
                output_tokens=counted.output_tokens,
                seconds=round(time.monotonic() - began, 3),
                outcome=outcome,
                cost=cost() if done else 0.0,
                estimated=done,
                run=app.run,
            )
            app.foundation.usage.record(row)
