"""An answer on its way to the reader: text as it comes, then the sources it cites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.context import AppContext
from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.terminal import SafePieces
from opsvi_cli.sdk import Answer, Citation, Hit

from .output import dump, message, pick, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opsvi_cli.rag.answers import QueryOptions

    from .markdown_stream import MarkdownWriter

FIELDS = ("answer", "supported", "citations", "hits", "model", "usage")
_QUOTE_WIDTH = 200


class TextWriter:
    """Writes pieces of a streamed text, flushed, made safe for a terminal also where a piece ends in mid-sequence."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._pieces = SafePieces() if app.is_terminal(app.out) else None
        self._last = "\n"

    def wait(self) -> None:
        """An answer is asked for; plain text shows nothing before its first word."""

    def __call__(self, text: str) -> None:
        if self._pieces is not None:
            text = self._pieces.feed(text)
        if text:
            self._app.out.write(text)
            self._app.out.flush()
            self._last = text[-1]

    def end_line(self) -> None:
        """Finish a line that was begun; a cut answer too."""
        if self._pieces is not None:
            self._pieces = SafePieces()
        if self._last != "\n":
            self._app.out.write("\n")
            self._last = "\n"
        self._app.out.flush()


def answer_writer(app: AppContext, *, markdown: bool = True) -> TextWriter | MarkdownWriter:
    """What shows an answer as it comes: rendered on a terminal, as it is elsewhere or without `markdown`."""
    if markdown and app.is_terminal(app.out):
        from .markdown_stream import MarkdownWriter, wants_markdown

        if wants_markdown(app):
            return MarkdownWriter(app)
    return TextWriter(app)


def answer_record(answer: Answer) -> dict[str, Any]:
    """The JSON shape of an answer."""
    return {
        "answer": answer.answer,
        "supported": answer.supported,
        "citations": [citation_record(citation) for citation in answer.citations],
        "hits": [hit_record(hit) for hit in answer.hits],
        "model": answer.model,
        "usage": asdict(answer.usage),
    }


def citation_record(citation: Citation) -> dict[str, Any]:
    return {
        "n": citation.n,
        "source": citation.source,
        "page": citation.page,
        "quote": citation.quote,
        "supported": citation.supported,
    }


def hit_record(hit: Hit) -> dict[str, Any]:
    """The shape of a hit, as `search --json` gives it."""
    names = ("rank", "score", "text", "source", "document_id", "chunk_id", "title", "page", "section", "start", "end")
    return {**{name: getattr(hit, name) for name in names}, "metadata": dict(hit.metadata)}


def show_query(app: AppContext, question: str, options: QueryOptions, *, strict: bool) -> None:
    """Answer a question and show the answer; under `strict` fail after it when a sentence has no support."""
    from opsvi_cli.rag.answers import answer, require_support

    if not question.strip():
        raise UsageError("the question is empty", hint='opsvi query "your question"')
    pick(app, dict.fromkeys(FIELDS), FIELDS)
    result = answer_in_full(
        app,
        lambda on_text: answer(app, question, options, on_text, lambda note: message(app, note)),
        stream=options.stream,
        markdown=options.schema is None,
    )
    if strict:
        require_support(result)


def answer_in_full(
    app: AppContext, ask: Callable[[Callable[[str], None]], Answer], *, stream: bool = True, markdown: bool = True
) -> Answer:
    """Run `ask` and show its answer: text as it comes and the sources it cites, or JSON at the end.

    What came before a failure stays on stdout, on a line of its own.
    """
    writer = answer_writer(app, markdown=markdown)
    held: list[str] = []
    try:
        writer.wait()
        answer = ask(held.append if app.options.machine or not stream else writer)
    except BaseException:
        if not app.options.machine:
            writer("".join(held))
            writer.end_line()
        raise
    if app.options.machine:
        show_answer_record(app, answer)
        return answer
    writer("".join(held))
    writer.end_line()
    from opsvi_cli.rag.answers import cited_places

    places = cited_places(answer)
    if places:
        app.out.write("\n")
        show_sources(app, places, quotes=answer.model is not None)
    return answer


def show_answer_record(app: AppContext, answer: Answer) -> None:
    """The whole answer as one JSON document, or one line under --jsonl."""
    record = pick(app, answer_record(answer), FIELDS)
    app.out.write(dump(record, indent=None if app.options.jsonl else 2) + "\n")
    app.out.flush()


def show_sources(app: AppContext, citations: Sequence[Mapping[str, Any]], *, quotes: bool = True) -> None:
    """A line for each source: number, file or URL, page or section, and the words that support the answer."""
    lines: dict[str, None] = {}
    for citation in citations:
        if citation["source"]:
            lines[source_line(app, citation, quotes=quotes)] = None
    if lines:
        write(app, "Sources:\n" + "".join(f"{line}\n" for line in lines))
        app.out.flush()


def source_line(app: AppContext, citation: Mapping[str, Any], *, quotes: bool) -> str:
    place = f"[{citation['n']}] {' '.join(short_source(app, citation['source']).splitlines())}"
    if citation.get("page") is not None:
        place += f", page {citation['page']}"
    elif citation.get("section"):
        place += f", {citation['section']}"
    quote = " ".join(str(citation["quote"]).split())
    if not quotes or not quote:
        return place
    return f'{place}: "{quote if len(quote) <= _QUOTE_WIDTH else quote[: _QUOTE_WIDTH - 1].rstrip() + "…"}"'


def short_source(app: AppContext, source: str) -> str:
    """A path relative to the working directory where that is shorter; anything else as it is."""
    if not source.startswith("/"):
        return source
    try:
        relative = str(Path(source).relative_to(app.cwd))
    except ValueError:
        return source
    return relative if len(relative) < len(source) else source
