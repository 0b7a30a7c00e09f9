"""A batch on this machine: several calls at a time, each through all layers, results as they come."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsvi_cli.errors import BudgetError, CredentialsError, DeadlineError, OpsviError, PluginError, ProviderError
from opsvi_cli.sdk import JSON, Finish, TextDelta, Usage

from .batch_results import Result
from .calls import ModelChoice, stream_answer
from .json_answers import check_answer
from .parallel import in_threads

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .batch import Item

_STOPS = (BudgetError, CredentialsError, DeadlineError, PluginError)
"""What would befall every other item as well: the batch stops, and goes on when it is run again."""


@dataclass
class Summary:
    """What became of the items. `waiting` were not asked: the batch stopped before."""

    total: int
    done: int = 0
    failed: int = 0
    skipped: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    first_error: OpsviError | None = field(default=None, repr=False)

    @property
    def waiting(self) -> int:
        return self.total - self.done - self.failed - self.skipped

    def count(self, result: Result) -> None:
        if result.error is not None:
            self.failed += 1
            self.first_error = self.first_error or result.error
        else:
            self.done += 1
            self.input_tokens += result.usage.input_tokens or 0
            self.output_tokens += result.usage.output_tokens or 0

    def record(self) -> dict[str, JSON]:
        return {
            "total": self.total,
            "done": self.done,
            "failed": self.failed,
            "skipped": self.skipped,
            "waiting": self.waiting,
            "usage": {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens},
        }


def run_items(app: AppContext, items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """The result of each item, as they get ready; a failure of one is its result.

    Raises what would befall all others as well (BudgetError, CredentialsError, DeadlineError, PluginError) once the
    calls under way have ended.
    """
    return in_threads(app, lambda item: _result(app, item), items, jobs)


def _result(app: AppContext, item: Item) -> Result:
    """One item asked. Raises what stops the batch."""
    who = item.choice

    def answered(by: ModelChoice) -> None:
        nonlocal who
        who = by

    try:
        text, finish = _answer(app, item, answered)
        return finished(item, who.name, text, finish.reason, finish.usage)
    except _STOPS:
        raise
    except OpsviError as error:
        return Result(item, who.name, error=error)


def _answer(app: AppContext, item: Item, answered: Callable[[ModelChoice], None]) -> tuple[str, Finish]:
    request = item.request
    text: list[str] = []
    finish = Finish("stop")
    events = stream_answer(
        app,
        item.choice,
        request.messages,
        schema=request.schema,
        temperature=request.temperature,
        max_tokens=request.max_tokens,
        stream=False,
        answered=answered,
    )
    with contextlib.closing(events):
        for event in events:
            if isinstance(event, TextDelta):
                text.append(event.text)
            elif isinstance(event, Finish):
                finish = event
    return "".join(text), finish


def finished(item: Item, model: str, text: str, reason: str, usage: Usage) -> Result:
    """The result that an answer is: checked against the schema, and an error when it is cut off unasked.

    Raises ProviderError, with the text as its `partial`: it was paid for.
    """
    try:
        return Result(item, model, _accepted(item, model, text, reason), reason, usage)
    except ProviderError as error:
        error.details = {**error.details, "partial": text}
        raise


def _accepted(item: Item, model: str, text: str, reason: str) -> JSON:
    if reason == "length" and item.request.max_tokens is None:
        raise ProviderError(
            f"{model}: the answer is incomplete: the model reached its limit of tokens",
            kind="context",
            hint="allow more with --max-tokens, or ask for less",
        )
    return text if item.request.schema is None else check_answer(text, item.request.schema, model)
