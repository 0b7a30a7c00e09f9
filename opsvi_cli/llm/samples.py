"""Several answers to one question, in order, asked one after the other or some at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from .chains import PromptRequest, StepAnswer, StepFailed, run
from .parallel import in_threads

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .tools.toolbox import Toolbox

Asked: TypeAlias = Callable[[Callable[[str], None]], list[StepAnswer]]
"""One answer: called with what takes its text, it gives what `chains.run` gives, and raises what that raises."""


def samples(
    app: AppContext, request: PromptRequest, count: int, jobs: int, toolbox: Toolbox | None = None
) -> Iterator[Asked]:
    """The answers, in order. With one job each is asked when it is called for, and its text comes as it is made."""
    if jobs == 1:
        for _ in range(count):
            yield lambda on_text: run(app, request, on_text, toolbox)
        return
    ready: dict[int, _Sample] = {}
    came = in_threads(app, lambda number: _Sample(number).ask(app, request), range(count), jobs)
    for number in range(count):
        while number not in ready:
            sample = next(came)
            ready[sample.number] = sample
        yield ready.pop(number).tell


@dataclass
class _Sample:
    """An answer that was asked ahead of its turn."""

    number: int
    _pieces: list[str] = field(default_factory=list)
    _done: list[StepAnswer] = field(default_factory=list)
    _failure: StepFailed | None = None

    def ask(self, app: AppContext, request: PromptRequest) -> _Sample:
        try:
            self._done = run(app, request, self._pieces.append)
        except StepFailed as failure:
            self._failure = failure
        return self

    def tell(self, on_text: Callable[[str], None]) -> list[StepAnswer]:
        for piece in self._pieces:
            on_text(piece)
        if self._failure is not None:
            raise self._failure
        return self._done
