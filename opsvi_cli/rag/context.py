"""From hits to numbered sources: overlapping passages joined, cut to the tokens that a model may be given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from opsvi_cli.llm.tokens import estimate_tokens
from opsvi_cli.sdk import Hit

STDIN = "stdin"


@dataclass(frozen=True, slots=True)
class Span:
    """Where a hit's text stands in a source's text: `start`, `end` are offsets into `NumberedSource.text`."""

    start: int
    end: int
    hit: Hit


@dataclass(frozen=True, slots=True)
class NumberedSource:
    """What `[n]` stands for. `n` is the rank of its best hit, so `hits[n - 1]` is where it comes from;
    text from standard input comes after them."""

    n: int
    source: str
    title: str
    text: str
    score: float
    spans: tuple[Span, ...] = ()

    def hit_at(self, offset: int) -> Hit | None:
        """The passage that holds the character at `offset`; None for standard input."""
        for span in self.spans:
            if span.start <= offset < span.end:
                return span.hit
        return self.spans[0].hit if self.spans else None

    @property
    def page(self) -> int | None:
        return self.spans[0].hit.page if self.spans else None

    @property
    def section(self) -> str | None:
        return self.spans[0].hit.section if self.spans else None

    @property
    def label(self) -> str:
        """Title and headings: read with the text, never quoted as part of it."""
        headings = dict.fromkeys(span.hit.section for span in self.spans if span.hit.section)
        return " · ".join(part for part in (self.title, *headings) if part)


@dataclass(frozen=True, slots=True)
class Context:
    """The sources that fitted. `dropped`: numbers of sources left out; `cut`: numbers of those shortened."""

    sources: tuple[NumberedSource, ...]
    dropped: tuple[int, ...] = ()
    cut: tuple[int, ...] = ()


def assemble(hits: Sequence[Hit], piped: str | None = None, *, tokens: int | None = None) -> Context:
    """Number the sources of `hits`, best first, and `piped` text after them, within `tokens`.

    Piped text was given on purpose: it is kept before hits when both do not fit.
    """
    sources = _merged(hits)
    given: list[NumberedSource] = []
    if piped and piped.strip():
        given = [NumberedSource(max((hit.rank for hit in hits), default=0) + 1, STDIN, "standard input", piped, 1.0)]
    if tokens is None:
        return Context((*sources, *given))
    left, kept, dropped, cut = tokens, [], [], []
    for source in (*given, *sources):
        cost = estimate_tokens(source.text) + estimate_tokens(source.label) + 20
        if cost > left:
            short = _shortened(source, left - 40)
            if short is None:
                dropped.append(source.n)
                continue
            source, cost = short, left
            cut.append(source.n)
        kept.append(source)
        left -= cost
    kept.sort(key=lambda source: source.n)
    return Context(tuple(kept), tuple(sorted(dropped)), tuple(cut))


def _shortened(source: NumberedSource, tokens: int) -> NumberedSource | None:
    """The beginning of a source, up to a line or sentence end; None when too little would be left."""
    if tokens < 50:
        return None
    text = source.text[: tokens * 4]
    while estimate_tokens(text) > tokens:
        text = text[: int(len(text) * 0.8)]
    ends = [match.end() for match in re.finditer(r"\n|[.!?](?=\s)", text)]
    text = text[: ends[-1]] if ends and ends[-1] > len(text) // 2 else text
    spans = tuple(Span(s.start, min(s.end, len(text)), s.hit) for s in source.spans if s.start < len(text))
    return NumberedSource(source.n, source.source, source.title, text, source.score, spans)


def _merged(hits: Sequence[Hit]) -> list[NumberedSource]:
    """One source for each run of overlapping or adjacent passages of a document, ordered by its best rank."""
    documents: dict[tuple[str, str], list[Hit]] = {}
    for hit in hits:
        documents.setdefault((hit.source, hit.document_id), []).append(hit)
    sources = [
        _joined(run)
        for group in documents.values()
        for run in _runs(sorted(group, key=lambda hit: (hit.start, hit.end)))
    ]
    return sorted(sources, key=lambda source: source.n)


def _runs(ordered: list[Hit]) -> list[list[Hit]]:
    runs: list[list[Hit]] = []
    reach = -1
    for hit in ordered:
        if runs and hit.start <= reach + 2 and hit.end - hit.start == len(hit.text):
            runs[-1].append(hit)
        else:
            runs.append([hit])
        reach = max(reach, hit.end) if len(runs[-1]) > 1 else hit.end
    return runs


def _joined(run: list[Hit]) -> NumberedSource:
    text, end, spans = "", run[0].start, []
    for hit in run:
        if text and hit.start > end:
            text += "\n"  # only white space lies between adjacent passages
        fresh = hit.text[max(0, end - hit.start) :] if text else hit.text
        if fresh:
            spans.append(Span(len(text), len(text) + len(fresh), hit))
            text += fresh
        end = max(end, hit.end)
    best = min(run, key=lambda hit: hit.rank)
    return NumberedSource(best.rank, best.source, best.title, text, best.score, tuple(spans))
