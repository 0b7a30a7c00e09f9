"""What `opsvi prompt` asks: one question, or the steps of a template in order, each seeing the answers before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.sdk import JSON, Attachment, Message

from .ask import PromptAnswer, Question, ask
from .prompt_template import PromptTemplate, Step
from .prompting import question_messages

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .tools.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class PromptRequest:
    """Everything that is asked for. `text` is what `compose` made of it, `values` those of the template's variables.

    `model`, `temperature` and `max_tokens` go over those of all steps; `system` and `schema` over the last one's.
    """

    text: str = ""
    attachments: Sequence[Attachment] = ()
    template: PromptTemplate | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    tainted: bool = False
    system: str | None = None
    schema: Mapping[str, JSON] | None = None
    model: str | None = None
    base_url: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stream: bool = True
    schema_retries: int = 1

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.template.steps if self.template is not None else (Step("", ""),)


@dataclass(frozen=True, slots=True)
class StepAnswer:
    name: str
    answer: PromptAnswer


class StepFailed(Exception):
    """A step ended in `error`; `done` are the answers before it."""

    def __init__(self, error: OpsviError, done: Sequence[StepAnswer]) -> None:
        super().__init__(error.message)
        self.error = error
        self.done = tuple(done)


def run(
    app: AppContext, request: PromptRequest, on_text: Callable[[str], None], toolbox: Toolbox | None = None
) -> list[StepAnswer]:
    """The answers of all steps; the text of the last is handed on as it comes. Raises StepFailed."""
    done: list[StepAnswer] = []
    steps = request.steps
    for step in steps:
        last = step == steps[-1]
        try:
            question = question_of(app, request, step, done)
            answer = ask(app, question, on_text if last else lambda _: None, toolbox)
        except OpsviError as error:
            if step.name:
                error.message = f"step {step.name}: {error.message}"
            raise StepFailed(error, done) from error
        done.append(StepAnswer(step.name, answer))
    return done


def question_of(app: AppContext, request: PromptRequest, step: Step, done: Sequence[StepAnswer]) -> Question:
    """What a step asks. Raises UsageError for a template that cannot be rendered, or when nothing is asked."""
    first, last = not done, step == request.steps[-1]
    # What the user named wins; a template names a model of its own, never a server.
    model = request.model or (None if request.base_url else step.model) or None
    return Question(
        messages=_messages(request, step, done, first=first, last=last),
        model=model,
        base_url=request.base_url,
        schema=request.schema if last and request.schema is not None else step.schema,
        temperature=step.temperature if request.temperature is None else request.temperature,
        max_tokens=request.max_tokens or step.max_tokens,
        stream=request.stream and last,
        tainted=request.tainted or not first,
        schema_retries=request.schema_retries,
    )


def _messages(
    request: PromptRequest, step: Step, done: Sequence[StepAnswer], *, first: bool, last: bool
) -> list[Message]:
    attachments = request.attachments if first else ()
    system = request.system if last else None
    template = request.template
    if template is None:
        return question_messages(request.text, system, attachments)
    from .template_engine import render_templates

    values: dict[str, Any] = {**request.values, "input": request.text}
    if template.is_chain:
        values["steps"] = {item.name: {"answer": item.answer.answer, "model": item.answer.model} for item in done}
    others = [text for other in template.steps if other is not step for text in other.sources().values() if text]
    try:
        rendered = render_templates({"prompt": step.prompt, "system": step.system}, values, others if first else ())
    except UsageError as error:
        error.message = f"template {template.name}, {error.message}"
        error.hint = f"opsvi prompts check {template.name}"
        raise
    body = rendered.texts["prompt"]
    if first and "input" in rendered.used:
        _require_input(request, template)
    elif first and request.text:
        # Nothing in the template mentions the text: it is what the template is about.
        body = "\n\n".join(part for part in (body.strip("\n"), request.text) if part.strip())
    return question_messages(body, rendered.texts["system"] if system is None else system, attachments)


def _require_input(request: PromptRequest, template: PromptTemplate) -> None:
    declared = next((variable for variable in template.variables if variable.name == "input"), None)
    if request.text or request.attachments or (declared is not None and not declared.required):
        return
    what = f": {declared.description}" if declared is not None and declared.description else ""
    raise UsageError(
        f"template {template.name} needs a text{what}", hint=f'opsvi prompt -t {template.name} "TEXT", or pipe it in'
    )
