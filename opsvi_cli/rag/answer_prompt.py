"""The messages that ask a model to answer from numbered sources, which stand between fences it cannot forge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from opsvi_cli.errors import UsageError
from opsvi_cli.llm.fencing import RULE, fenced
from opsvi_cli.sdk import Message

from .context import NumberedSource

RULES = """\
Answer the question from the numbered sources, and from nothing else.
After every sentence, name the sources it rests on by their numbers in square brackets, like this: [1] or [1][3].
Quote exactly when you quote. Copy numbers, names and commands as they stand in the source.
If the sources do not answer the question, say only: The sources do not answer this.
Answer in the language of the question."""


@dataclass(frozen=True, slots=True)
class FencedSource:
    """A source as a template sees it: printed whole it is fenced, `text` alone is not."""

    n: int
    source: str
    title: str
    page: int | None
    section: str | None
    text: str
    fenced: str


def answer_messages(
    question: str,
    sources: Sequence[NumberedSource],
    *,
    system: str = "",
    template: str | None = None,
    history: Sequence[Message] = (),
    from_sources: bool = True,
) -> list[Message]:
    """System rules, the conversation so far, and the question with its sources, each in its fence.

    `system` is put before the rules; `template` (Jinja2) replaces the wording of the last message. Without
    `from_sources` the model may answer from what it knows: a talk without a collection.
    """
    numbered = [fence(source) for source in sources]
    rules = [system.strip()] if system.strip() else []
    if from_sources:
        rules += [RULES, RULE]
    if template is not None:
        body = render_template(template, question, numbered)
    elif from_sources:
        listed = "\n\n".join(source.fenced for source in numbered) or "(none was found)"
        body = f"Sources:\n\n{listed}\n\nQuestion: {question}"
    else:
        body = question
    first = [Message("system", "\n\n".join(rules))] if rules else []
    return [*first, *history, Message("user", body)]


def fence(source: NumberedSource) -> FencedSource:
    """A source in its fence; its name and title are data as well."""
    place = ", ".join(
        part
        for part in (
            source.title if source.title and source.title != source.source else "",
            f"page {source.page}" if source.page is not None else "",
            f"section {source.section}" if source.section else "",
        )
        if part
    )
    head = " ".join(f"[{source.n}] {Path(source.source).name or source.source} ({place})".split())
    head = head.removesuffix(" ()")
    whole = f"Source [{source.n}]:\n" + fenced(f"{head}\n{source.text.strip()}", f"[{source.n}]")
    return FencedSource(source.n, source.source, source.title, source.page, source.section, source.text, whole)


def render_template(template: str, question: str, sources: Sequence[FencedSource]) -> str:
    """Render a Jinja2 template in its sandbox. Raises UsageError for a template that is wrong."""
    from opsvi_cli.llm.template_engine import render_templates

    values = {"question": question, "sources": [asdict(source) for source in sources]}
    try:
        return render_templates({"--template": template}, values).texts["--template"]
    except UsageError as error:
        error.hint = "a template may use {{ question }} and {% for source in sources %}"
        raise
