"""Embedders that ask a server: their calls are held to the budgets, priced and counted as those of models are.

Embedders do not say what the server has counted, so tokens and cost are estimates.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from opsvi_cli.errors import OpsviError
from opsvi_cli.foundation.usage import UsageRow
from opsvi_cli.llm.budget import within_budget
from opsvi_cli.llm.models import ModelChoice
from opsvi_cli.llm.prices import cost_of
from opsvi_cli.llm.tokens import estimate_tokens
from opsvi_cli.sdk import Embedder, Usage, Vectors

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.foundation.services import PartServices


@dataclass(frozen=True)
class RemoteEmbedder:
    """An embedder with the name and the settings it was asked for by, which say what it costs."""

    part: Embedder
    services: PartServices
    remote = True

    @property
    def fingerprint(self) -> str:
        return self.part.fingerprint

    @property
    def dimension(self) -> int:
        return self.part.dimension

    @property
    def fusion_weight(self) -> float:
        return self.part.fusion_weight

    @property
    def choice(self) -> ModelChoice:
        options = self.services.options
        # A fingerprint is the vendor, the model and what else shapes the vectors.
        model = str(options.get("model") or "") or self.fingerprint.partition(":")[2].rpartition(":")[0]
        return ModelChoice(self.services.name, model, str(options.get("base_url") or ""), "parts")

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        return self.part.embed(texts, kind)

    def cost(self, app: AppContext, usage: Usage) -> float | None:
        """US dollars of a call; None when the price is not known."""
        return cost_of(app, self.choice, usage, self.part, self.services.asked)


@contextlib.contextmanager
def paid(app: AppContext, embedder: RemoteEmbedder, texts: Sequence[str]) -> Iterator[None]:
    """One call of an embedder. Raises BudgetError when a limit has no room for it, and nothing is asked then."""
    choice = embedder.choice
    usage = Usage(sum(map(estimate_tokens, texts)), 0)
    with within_budget(app, choice, embedder.cost(app, usage)):
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
                cost=embedder.cost(app, usage) if done else 0.0,
                estimated=done,
                run=app.run,
            )
            app.foundation.usage.record(row)
