"""Answers of `opsvi prompt` as people and programs see them: streamed, extracted, sampled, or what would be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from opsvi_cli.context import AppContext
from opsvi_cli.errors import BudgetError, CredentialsError, DeadlineError, OpsviError, PartialError, UsageError
from opsvi_cli.llm.chains import PromptRequest, StepAnswer, StepFailed, question_of, run
from opsvi_cli.llm.code_blocks import code_blocks
from opsvi_cli.llm.json_answers import UnfitAnswerError
from opsvi_cli.llm.samples import Asked, samples
from opsvi_cli.llm.tools.loop import total_usage
from opsvi_cli.sdk import Usage

from .answers import answer_writer
from .output import dump, message, pick, show_record, write

if TYPE_CHECKING:
    from opsvi_cli.llm.ask import PromptAnswer
    from opsvi_cli.llm.tools.toolbox import Toolbox
    from opsvi_cli.sdk import Message

    from .prompt_view import View

FIELDS = ("answer", "model", "usage", "finish", "tool_calls", "seconds", "cost", "steps", "error")
DRY_FIELDS = ("model", "messages", "schema", "temperature", "max_tokens", "later_steps")


def show_prompt(app: AppContext, request: PromptRequest, view: View, toolbox: Toolbox | None = None) -> None:
    """Ask and show the answer, or several samples of it."""
    pick(app, dict.fromkeys(FIELDS), FIELDS)
    if view.extract and _has_schema(request):
        raise UsageError("-x takes a code block out of a text; under a schema there is none", hint="leave out -x")
    if view.samples > 1:
        _show_samples(app, request, view, toolbox)
        return
    try:
        record = _answer(app, request, view, lambda on_text: run(app, request, on_text, toolbox), toolbox)
    except StepFailed as failure:
        if app.options.machine and any(item.name for item in failure.done):
            _show(app, _failed(failure))
        raise failure.error from failure
    if app.options.machine:
        _show(app, record)


def _show(app: AppContext, record: dict[str, Any]) -> None:
    show_record(app, record, str, fields=FIELDS)


def _show_samples(app: AppContext, request: PromptRequest, view: View, toolbox: Toolbox | None) -> None:
    """Several answers to one question; some that fail make the run a partial success."""
    if toolbox is not None and view.jobs > 1:
        raise UsageError("the model calls tools for one answer after the other", hint="leave out --jobs or --tool")
    records: list[dict[str, Any]] = []
    try:
        failures = _sample(app, request, view, toolbox, records)
    finally:
        # Also of a run that is stopped: what was answered was paid for.
        if records and app.options.json is not None and not app.options.jsonl:
            app.out.write(dump([pick(app, record, FIELDS) for record in records], indent=2) + "\n")
    missing = view.samples - len(records) + len(failures)
    if missing == view.samples:
        raise failures[-1]
    if failures:
        where = "`error` of each says why" if app.options.machine else "the lines above say why"
        raise PartialError(f"{missing} of {view.samples} answers failed", hint=where)


def _sample(
    app: AppContext, request: PromptRequest, view: View, toolbox: Toolbox | None, records: list[dict[str, Any]]
) -> list[OpsviError]:
    """Put a record of each answer into `records`; the errors of those that failed."""
    failures: list[OpsviError] = []
    for number, asked in enumerate(samples(app, request, view.samples, view.jobs, toolbox), 1):
        if not app.options.machine:
            _mark(app, number, view.samples, first=not any(item["error"] is None for item in records))
        try:
            record = _answer(app, request, view, asked, toolbox)
        except StepFailed as failure:
            error = failure.error
            if isinstance(error, (UsageError, CredentialsError)) and len(failures) == number - 1:
                records.clear()
                raise error from failure  # every other answer would fail like this one
            failures.append(error)
            record = _failed(failure)
            if not app.options.machine:
                message(app, f"opsvi: answer {number} of {view.samples}: {error.message}")
        records.append(record)
        if app.options.jsonl:
            _show(app, record)
        if failures and isinstance(failures[-1], (BudgetError, DeadlineError)):
            break
    return failures


def _mark(app: AppContext, number: int, count: int, *, first: bool) -> None:
    """Between answers, never before one that may not come: what failed leaves stdout as it was."""
    if app.is_terminal(app.out):
        app.out.write(f"--- {number} of {count}\n")
    elif not first:
        app.out.write("\n")


def _answer(
    app: AppContext, request: PromptRequest, view: View, asked: Asked, toolbox: Toolbox | None
) -> dict[str, Any]:
    """Ask once, show the answer to people, and give the record of it. Raises StepFailed.

    What came of an answer that cannot be shown stays on stderr.
    """
    writer = answer_writer(app, markdown=not _has_schema(request))
    held: list[str] = []
    streams = not app.options.machine and not view.extract
    before = len(toolbox.made) if toolbox is not None else 0
    try:
        writer.wait()
        done = asked(writer if streams else held.append)
    except StepFailed as failure:
        writer.end_line()
        _keep_failed(app, failure, "".join(held))
        raise
    except BaseException:
        writer.end_line()
        _keep(app, "".join(held))
        raise
    writer.end_line()
    answer = done[-1].answer
    shown = _extracted(app, answer, done) if view.extract else answer.answer
    if not app.options.machine and (view.extract or not isinstance(shown, str) or _has_schema(request)):
        write(app, _ended(str(shown) if view.extract else dump(shown, indent=2)))
        app.out.flush()
    if answer.note:
        message(app, answer.note)
    if view.usage:
        message(app, _usage_line(done))
    return {**_record(done, shown), "tool_calls": toolbox.made[before:] if toolbox is not None else []}


def _keep_failed(app: AppContext, failure: StepFailed, held: str) -> None:
    error = failure.error
    if not app.options.machine:
        for item in failure.done:
            message(app, f"step {item.name} answered:")
            _keep(app, _text(item.answer))
    _keep_with(app, error, held or (error.text if isinstance(error, UnfitAnswerError) else ""))


def _has_schema(request: PromptRequest) -> bool:
    return request.schema is not None or request.steps[-1].schema is not None


def _extracted(app: AppContext, answer: PromptAnswer, done: Sequence[StepAnswer]) -> str:
    """The last code block. Without one the answer is on stderr, so that a pipe never takes prose for code."""
    text = _text(answer)
    blocks = code_blocks(text)
    if not blocks:
        error = OpsviError(f"{answer.model}: there is no code block in the answer", hint="the answer is on stderr")
        _keep_with(app, error, text)
        raise StepFailed(error, done)
    return blocks[-1].text


def _text(answer: PromptAnswer) -> str:
    return answer.answer if isinstance(answer.answer, str) else dump(answer.answer, indent=2)


def _keep_with(app: AppContext, error: OpsviError, text: str) -> None:
    """What came before an error: above it for people, a field of it for programs, who read one JSON document."""
    if app.options.machine and text.strip():
        error.details = {**error.details, "partial": text}
    else:
        _keep(app, text)


def _keep(app: AppContext, text: str) -> None:
    """Text that must not be lost and is no result; also under -q."""
    if text.strip():
        from opsvi_cli.foundation.terminal import plain

        app.err.write(_ended(plain(text)))
        app.err.flush()


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _record(done: Sequence[StepAnswer], shown: Any) -> dict[str, Any]:
    answer = done[-1].answer
    return {**_values(done), "answer": shown, "model": answer.model, "finish": answer.finish, "error": None}


def _failed(failure: StepFailed) -> dict[str, Any]:
    error = failure.error
    said = {"code": error.code, "message": error.message, "hint": error.hint}
    return {**_values(failure.done), "answer": None, "model": None, "finish": None, "error": said}


def _values(done: Sequence[StepAnswer]) -> dict[str, Any]:
    usage, seconds, cost = _sums(done)
    steps = [
        {"name": item.name, "answer": item.answer.answer, "model": item.answer.model} for item in done if item.name
    ]
    return {
        "answer": None,
        "model": None,
        "usage": asdict(usage),
        "finish": None,
        "tool_calls": [],
        "seconds": round(seconds, 3),
        "cost": cost,
        "steps": steps,
    }


def _sums(done: Sequence[StepAnswer]) -> tuple[Usage, float, float | None]:
    """Tokens, seconds and US dollars of all steps; no cost when that of one is not known."""
    usage = Usage()
    for item in done:
        usage = total_usage(usage, item.answer.usage)
    costs = [item.answer.cost for item in done]
    known = [cost for cost in costs if cost is not None]
    return usage, sum(item.answer.seconds for item in done), sum(known) if len(known) == len(costs) else None


def _usage_line(done: Sequence[StepAnswer]) -> str:
    usage, seconds, cost = _sums(done)
    read, written = ("?" if count is None else str(count) for count in (usage.input_tokens, usage.output_tokens))
    price = "cost not known" if cost is None else f"${cost:.6f}".rstrip("0").rstrip(".")
    models = ", ".join(dict.fromkeys(item.answer.model for item in done))
    return f"{models}: tokens {read} in, {written} out, {price}, {seconds:.1f} s"


def show_dry_run(app: AppContext, request: PromptRequest) -> None:
    """What would be sent, instead of sending it; of a chain the first step, which needs no answer before it."""
    pick(app, dict.fromkeys(DRY_FIELDS), DRY_FIELDS)
    steps = request.steps
    question = question_of(app, request, steps[0], ())
    record = {
        "model": question.model or app.settings.model or None,
        "messages": [_message_record(item) for item in question.messages],
        "schema": question.schema,
        "temperature": question.temperature,
        "max_tokens": question.max_tokens,
        "later_steps": [{"name": step.name, "system": step.system, "prompt": step.prompt} for step in steps[1:]],
    }

    def human() -> str:
        lines = [f"model: {record['model'] or 'none is configured'}\n"]
        for item in question.messages:
            lines.append(f"--- {item.role}\n{_ended(item.text)}")
            lines += [f"[{a.name}: {a.media_type}, {len(a.data)} bytes]\n" for a in item.attachments]
        if question.schema is not None:
            lines.append(f"--- schema\n{dump(question.schema, indent=2)}\n")
        lines += [f"--- then step {step.name}\n{_ended(step.prompt)}" for step in steps[1:]]
        return "".join(lines)

    show_record(app, record, human, fields=DRY_FIELDS)


def _message_record(item: Message) -> dict[str, Any]:
    attachments = [{"name": a.name, "media_type": a.media_type, "bytes": len(a.data)} for a in item.attachments]
    return {"role": item.role, "text": item.text, "attachments": attachments}
