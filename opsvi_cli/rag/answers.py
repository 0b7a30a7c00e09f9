"""`opsvi query`: a question, the passages that speak of it, and an answer whose citations are checked against them.

With a model the answer is written by it from numbered sources; without one it is made of the sources' own sentences.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import NotFoundError, OpsviError, UnsupportedAnswerError
from opsvi_cli.sdk import JSON, Answer, Citation, Embedder, Finish, Hit, Message, TextDelta, Usage

from .answer_prompt import answer_messages
from .citations import Check, check_answer
from .collections import collection_embedder
from .context import Context, NumberedSource, assemble
from .extractive import Pick, Similarity, extract
from .reranking import find_reranker
from .search import SearchOptions, needs_vectors, open_for_search, search_store

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.llm.models import ModelChoice
    from opsvi_cli.llm.tools.toolbox import Toolbox

NO_MODEL = (
    "no model is configured: these are the sources' own sentences. For a written answer: "
    "opsvi config set model openai/gpt-5-mini, or -m provider/model"
)
NOTHING = "Nothing in the collection answers this"

OnText = Callable[[str], None]
"""Called with each piece of the answer as it comes."""
OnNote = Callable[[str], None]
"""Called with lines for people: what was left out, what the check found."""


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """`piped` is what came on standard input: it becomes the last source. `extractive`: never call a model."""

    search: SearchOptions = field(default_factory=SearchOptions)
    model: str | None = None
    base_url: str | None = None
    extractive: bool = False
    system: str = ""
    template: str | None = None
    schema: Mapping[str, JSON] | None = None
    stream: bool = True
    temperature: float | None = None
    max_tokens: int | None = None
    piped: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What retrieval gave: the hits, and how to compare texts with the collection's own embedder."""

    hits: tuple[Hit, ...] = ()
    similarity: Similarity | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a model wrote; `model` is the one that answered, a fallback perhaps."""

    text: str
    finish: Finish
    model: str


def answer(app: AppContext, question: str, options: QueryOptions, on_text: OnText, on_note: OnNote) -> Answer:
    """Answer one question. `on_text` sees the answer as it grows; `on_note` what people should know about it.

    Raises NotFoundError when there is nothing to answer from, ProviderError and CredentialsError of the model; what
    came before a failure was handed to `on_text`, and stands in the error's details as `partial`.
    """
    choice = pick_model(app, options.model, options.base_url, extractive=options.extractive)
    piped = options.piped if options.piped and options.piped.strip() else None
    with retrieve(app, question, options.search, required=piped is None and choice is None) as found:
        if choice is None:
            if not options.extractive:
                on_note(NO_MODEL)
            context = assemble(found.hits, piped)
            result = extractive_answer(question, context.sources, found, on_text)
            if not result.answer:
                on_note(NOTHING)
            return result
    context = assemble(found.hits, piped, tokens=app.settings.retrieval.context_tokens)
    note_losses(context, on_note)
    if not context.sources:
        on_note(f"{NOTHING}; the model is told so")
    messages = answer_messages(question, context.sources, system=options.system, template=options.template)
    written = stream_text(app, choice, messages, options, on_text)
    text, finish = written.text, written.finish
    note_finish(finish, on_note)
    check = check_text(text, context.sources, options.schema)
    for problem in check.lines():
        on_note(f"warning: {problem}")
    supported = check.supported and bool(text.strip()) and finish.reason == "stop"
    return Answer(
        text, supported, check.citations, found.hits, written.model, finish.usage, unsupported=check.unsupported
    )


def require_support(result: Answer) -> None:
    """What `--strict` asks for. Raises UnsupportedAnswerError when a sentence has no support."""
    if result.supported:
        return
    if not result.answer.strip():
        raise UnsupportedAnswerError("nothing in the sources answers the question", hint="ask in other words, or -k 20")
    wrong = len(result.unsupported) or sum(not citation.supported for citation in result.citations)
    what = f"{wrong} sentence{'' if wrong == 1 else 's'} of the answer" if wrong else "the answer"
    raise UnsupportedAnswerError(
        f"{what} cannot be traced to the sources", hint="look at the warnings; leave --strict out to accept it"
    )


def pick_model(app: AppContext, name: str | None, base_url: str | None, *, extractive: bool) -> ModelChoice | None:
    """The model to ask; None for an extractive answer."""
    if extractive:
        return None
    if not (name or base_url or app.settings.model):
        return None
    from opsvi_cli.llm.models import choose_model

    return choose_model(app, name, base_url)


@contextlib.contextmanager
def retrieve(app: AppContext, text: str, options: SearchOptions, *, required: bool) -> Iterator[Found]:
    """The hits for `text`; the collection stays open inside the block, so that its embedder can be used.

    Raises NotFoundError when the collection is not there, unless `required` is False and none was asked for by name.
    """
    store = open_for_search(app, options)
    if store is None:
        if required:
            raise NotFoundError(
                f"there is no collection {app.settings.collection!r} to answer from",
                hint="opsvi ingest FOLDER makes it; or pipe the text in: cat FILE | opsvi query ...",
            )
        yield Found()
        return
    with contextlib.closing(store):
        embedder = collection_embedder(app, store.info) if needs_vectors(app, store, options) else None
        hits = search_store(app, store, embedder, find_reranker(app, options.rerank), text, options)
        yield Found(tuple(hits), None if embedder is None else _similarity(app, embedder))


def _similarity(app: AppContext, embedder: Embedder) -> Similarity:
    def compare(question: str, texts: Sequence[str]) -> Sequence[float]:
        from .embedding import embed_texts

        try:
            asked = embed_texts(app, embedder, [question], "query", cached=False)[0]
            cosines = embed_texts(app, embedder, list(texts), cached=False) @ asked
        except OpsviError as error:
            app.log.debug("passages are compared by words only: %s", error.message)
            return [0.0] * len(texts)
        return [float(cosine) for cosine in cosines]

    return compare


def extractive_answer(
    question: str,
    sources: Sequence[NumberedSource],
    found: Found,
    on_text: OnText,
    *,
    background: str = "",
) -> Answer:
    """The best pieces of the sources, one a line, each followed by its number; empty when nothing matches."""
    picks = extract(question, sources, background=background, similarity=found.similarity)
    text = "\n".join(_lines(picks))
    if text:
        on_text(text)
    return Answer(text, bool(picks), tuple(map(_picked, picks)), found.hits, None, Usage())


def _lines(picks: Sequence[Pick]) -> Iterator[str]:
    """What is shown of each piece; the head of a table stands above its rows, once."""
    head = ""
    for pick in picks:
        if pick.head != head and pick.head:
            yield pick.head
        head = pick.head
        yield f"{pick.text if pick.code else ' '.join(pick.text.split())} [{pick.source.n}]"


def _picked(pick: Pick) -> Citation:
    hit = pick.source.hit_at(pick.start)
    return Citation(pick.source.n, pick.source.source, hit.page if hit else None, pick.text, supported=True)


def stream_text(
    app: AppContext,
    choice: ModelChoice,
    messages: Sequence[Message],
    options: QueryOptions,
    on_text: OnText,
    *,
    toolbox: Toolbox | None = None,
    tainted: bool = True,
) -> Written:
    """Call the model and hand its text on. An error carries what came before it as `partial` in its details.

    `tainted`: the messages hold text of others, so that tools with effects are asked for.
    """
    from opsvi_cli.llm.tools.loop import answer_with_tools

    parts: list[str] = []
    answering: list[ModelChoice] = [choice]
    finish = Finish("stop")
    events = answer_with_tools(
        app,
        choice,
        messages,
        toolbox,
        tainted=tainted,
        schema=options.schema,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        stream=options.stream,
        answered=answering.append,
    )
    try:
        for event in events:
            if isinstance(event, TextDelta):
                parts.append(event.text)
                on_text(event.text)
            elif isinstance(event, Finish):
                finish = event
    except OpsviError as error:
        if parts:
            error.details = {**error.details, "partial": "".join(parts)}
        raise
    finally:
        close = getattr(events, "close", None)
        if close is not None:  # ends the request at once when Ctrl-C came in between
            close()
    return Written("".join(parts), finish, answering[-1].name)


def note_losses(context: Context, on_note: OnNote) -> None:
    """Say which sources the model does not see, or not whole."""
    numbers = ", ".join(f"[{n}]" for n in context.dropped)
    if context.dropped:
        on_note(f"warning: too long for the model, left out: {numbers} (retrieval.context_tokens)")
    if context.cut:
        numbers = ", ".join(f"[{n}]" for n in context.cut)
        on_note(f"warning: too long for the model, cut: {numbers} (retrieval.context_tokens)")


def note_finish(finish: Finish, on_note: OnNote) -> None:
    """Say when an answer was cut at its longest; other bad ends are errors."""
    if finish.reason == "length":
        on_note("warning: the answer was cut at its longest; allow more with --max-tokens")


def check_text(text: str, sources: Sequence[NumberedSource], schema: Mapping[str, JSON] | None) -> Check:
    """Check an answer in prose, or the values of one that follows a schema."""
    if schema is None:
        return check_answer(text, sources)
    from .structured_check import check_values

    return check_values(text, schema, sources)


def cited_places(answer: Answer) -> list[dict[str, Any]]:
    """The citations in the order of their numbers, with the section of the passage each comes from."""
    places = []
    for citation in sorted(answer.citations, key=lambda citation: citation.n):
        held = (h for h in answer.hits if h.source == citation.source and citation.quote and citation.quote in h.text)
        places.append(
            {
                "n": citation.n,
                "source": citation.source,
                "page": citation.page,
                "section": next((hit.section for hit in held), None),
                "quote": citation.quote,
                "supported": citation.supported,
            }
        )
    return places
