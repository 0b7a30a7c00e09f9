"""One question to a model and its answer, held to a schema where there is one."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opsvi_cli.sdk import JSON, Finish, Message, TextDelta, Usage

from .calls import ModelChoice, require_model
from .json_answers import UnfitAnswerError, check_answer
from .tools.loop import answer_with_tools, total_usage

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Question:
    """`tainted`: the messages hold text of others. `schema_retries`: how often a wrong answer is handed back."""

    messages: Sequence[Message]
    model: str | None = None
    base_url: str | None = None
    schema: Mapping[str, JSON] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stream: bool = True
    tainted: bool = False
    schema_retries: int = 1


@dataclass(frozen=True, slots=True)
class PromptAnswer:
    """`answer` is text, or the value when a schema was asked for. `note` is for people; empty when all is well."""

    answer: JSON
    model: str
    usage: Usage
    finish: str
    seconds: float
    cost: float | None = None
    """US dollars of all calls for it; None when the price of one is not known."""
    note: str = ""


@dataclass
class _Talk:
    """What the calls for one answer have come to."""

    who: ModelChoice
    usage: Usage = field(default_factory=lambda: Usage(None, None))
    finish: str = "stop"

    def answered(self, by: ModelChoice) -> None:
        self.who = by


def ask(
    app: AppContext, question: Question, on_text: Callable[[str], None], toolbox: Toolbox | None = None
) -> PromptAnswer:
    """Ask and hand the text on as it comes; the model may call what is in the toolbox.

    Under a schema nothing is handed on: an answer that does not satisfy it goes back to the model with the reason,
    `schema_retries` times. Raises UnfitAnswerError when it never does, with the last answer as its `text`, and what
    `calls.stream_answer` raises.
    """
    started = time.monotonic()
    used = app.foundation.usage
    spent, unpriced = used.spent, used.unpriced
    talk = _Talk(require_model(app, question.model, question.base_url))
    if question.schema is None:
        text = "".join(_told(_texts(app, question, talk, toolbox), on_text))
        answer: JSON = text
    else:
        answer = _structured(app, question, question.schema, talk, toolbox)
    note = "the answer is cut at --max-tokens" if talk.finish == "length" else ""
    # What every call for it has cost, whoever answered: a fallback's model has other prices.
    cost = round(used.spent - spent, 9) if used.unpriced == unpriced else None
    return PromptAnswer(answer, talk.who.name, talk.usage, talk.finish, time.monotonic() - started, cost, note)


def _structured(
    app: AppContext, question: Question, schema: Mapping[str, JSON], talk: _Talk, toolbox: Toolbox | None
) -> JSON:
    left = question.schema_retries
    while True:
        text = "".join(_texts(app, question, talk, toolbox))
        try:
            return check_answer(text, schema, talk.who.name)
        except UnfitAnswerError as error:
            error.text = text
            if not left:
                raise
            left -= 1
            app.log.info("%s; asked again", error.message)
            question = replace(question, messages=[*question.messages, *_handed_back(text, error.problem, schema)])


def _handed_back(text: str, problem: str, schema: Mapping[str, JSON]) -> list[Message]:
    rule = (
        f"That does not satisfy the JSON Schema: {problem}\n\nAnswer again, with JSON alone that satisfies this "
        f"schema:\n{json.dumps(schema, ensure_ascii=False)}"
    )
    return [Message("assistant", text), Message("user", rule)]


def _told(pieces: Generator[str, None, None], on_text: Callable[[str], None]) -> Generator[str, None, None]:
    with contextlib.closing(pieces):
        for piece in pieces:
            on_text(piece)
            yield piece


def _texts(app: AppContext, question: Question, talk: _Talk, toolbox: Toolbox | None) -> Generator[str, None, None]:
    """The pieces of one answer; how it ended goes into `talk`."""
    events = answer_with_tools(
        app,
        talk.who,
        question.messages,
        toolbox,
        tainted=question.tainted,
        schema=question.schema,
        temperature=question.temperature,
        max_tokens=question.max_tokens,
        stream=question.stream,
        answered=talk.answered,
    )
    with contextlib.closing(events):
        for event in events:
            if isinstance(event, TextDelta):
                yield event.text
            elif isinstance(event, Finish):
                talk.usage = total_usage(talk.usage, event.usage)
                talk.finish = event.reason
