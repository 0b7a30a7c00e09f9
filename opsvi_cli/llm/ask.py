"""One question to a model and its answer: what `opsvi prompt` does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsvi_cli.errors import ProviderError
from opsvi_cli.sdk import JSON, Finish, TextDelta, Usage

from .calls import require_model, stream_answer
from .json_answers import check_answer, read_schema
from .prompting import load_attachment, prompt_messages

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .models import ModelChoice


@dataclass(frozen=True, slots=True)
class PromptOptions:
    """`context` is what was piped in; `schema` a file or JSON; `attach` files."""

    text: str | None = None
    context: str | None = None
    model: str | None = None
    base_url: str | None = None
    system: str | None = None
    schema: str | None = None
    attach: tuple[str, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    stream: bool = True


@dataclass(frozen=True, slots=True)
class PromptAnswer:
    """`answer` is text, or the value when a schema was asked for. `note` is for people; empty when all is well."""

    answer: JSON
    model: str
    usage: Usage
    finish: str
    note: str = ""

    def record(self) -> dict[str, JSON]:
        usage: dict[str, JSON] = {
            "input_tokens": self.usage.input_tokens,
            "output_tokens": self.usage.output_tokens,
        }
        return {"answer": self.answer, "model": self.model, "usage": usage, "finish": self.finish}


def ask(app: AppContext, options: PromptOptions, on_text: Callable[[str], None]) -> PromptAnswer:
    """Ask, hand the text on as it comes, and check it.

    Raises UsageError for what is wrong with the options, ProviderError for an answer that is cut off although no
    `max_tokens` was asked for, or that does not satisfy the schema.
    """
    schema = read_schema(options.schema, app.cwd) if options.schema else None
    attachments = [load_attachment(path, app.cwd) for path in options.attach]
    messages = prompt_messages(options.text, options.context, options.system, attachments)
    choice = require_model(app, options.model, options.base_url)
    text: list[str] = []
    who = choice
    finish = Finish("stop")

    def answered(by: ModelChoice) -> None:
        nonlocal who
        who = by

    events = stream_answer(
        app,
        choice,
        messages,
        schema=schema,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        stream=options.stream,
        answered=answered,
    )
    with contextlib.closing(events):
        for event in events:
            if isinstance(event, TextDelta):
                text.append(event.text)
                on_text(event.text)
            elif isinstance(event, Finish):
                finish = event
    answer: JSON = "".join(text)
    if finish.reason == "length" and options.max_tokens is None:
        raise ProviderError(
            f"{who.name}: the answer is incomplete: the model reached its limit of tokens",
            kind="context",
            hint="allow more with --max-tokens, or ask for less",
        )
    if schema is not None:
        answer = check_answer("".join(text), schema, who.name)
    note = "the answer is cut at --max-tokens" if finish.reason == "length" else ""
    return PromptAnswer(answer, who.name, finish.usage, finish.reason, note)
