"""An answer without a model: the sentences, list items and table rows of the best passages that speak of the question.

Nothing is written, only chosen: every piece is a slice of its source. A piece is scored by how much of the question it
covers (rare words count more), by what stands around it (heading, table head, the sentence before), by the passage's
own rank, by the likeness of its vector to the question's, and by whether it holds the kind of thing that is asked for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .context import NumberedSource
from .sentences import Piece, pieces
from .terms import all_stems, content_words, kind_of, match, stem, words

MOST_PIECES = 4
LEAST_COVERAGE = 0.3
"""Of the question's words, by weight: below it, a piece does not speak of the question."""
LEAST_LIKENESS = 0.55
"""Cosine of the vectors above which a piece counts although it shares no word with the question."""
_FAR_BEHIND = 0.85
"""A further piece is shown only when it scores this share of the best."""
_LONGEST = 600
_HEADER, _CONTEXT, _NEIGHBOUR, _BACKGROUND = 0.9, 0.7, 0.4, 0.45

Similarity = Callable[[str, Sequence[str]], Sequence[float]]
"""Question and texts to cosines, -1..1."""

_LABELS = frozenset({"titl", "subject", "re", "fw", "name", "id"})
"""Stems of the words before the colon of a line that only repeats the title."""
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][\w'’-]+|@|\+\d|\|\s*[A-Z]")
_NUMBER = re.compile(r"\d")
_TIME = re.compile(
    r"\d|\b(?:second|minute|hour|day|week|month|year|daily|weekly|monthly|yearly|annual|nightly|hourly|always|never|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|midnight|noon)",
    re.IGNORECASE,
)
_PLACE = re.compile(r"/|\\|://|\b(?:in|at|on|under|room|floor|building|folder|directory|server)\b", re.IGNORECASE)
_CAUSE = re.compile(r"\b(?:because|caus\w+|due to|reason|since|so that|root|result\w*|led to|after|ran out)\b", re.I)
_NAMES_CAUSE = re.compile(r"\W*(?:the )?(?:root )?(?:cause|reason)\b", re.IGNORECASE)
_DURATION = re.compile(
    r"(?:\d|\b(?:one|two|three|four|five|six|seven|ten|twelve|an?|half|each))[\s-]*"
    r"(?:second|minute|hour|day|week|month|quarter|year|tag|stunde|woche|monat|jahr|jour|heure|mois|ms\b|[smhd]\b)|"
    r"\b(?:for ?ever|indefinite\w*|permanent\w*)",
    re.IGNORECASE,
)
_HOW = re.compile(r"\bhow (?:long|many|much|often|fast|soon)\b", re.IGNORECASE)
"""Says what kind of thing is asked for; `long` is no word to look for."""
_ASKS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(r"\b(?:who|whom|whose|wer|qui|quién)\b", re.I), _NAME),
    (re.compile(r"\b(?:how (?:many|much)|wie ?viele?|combien|number of|price|cost|phone)\b", re.I), _NUMBER),
    (re.compile(r"\b(?:how long|period|retention|wie lange)\b", re.IGNORECASE), _DURATION),
    (
        re.compile(
            r"\b(?:when|how (?:often|fast|soon)|(?:what|which) (?:time|day|date|period)|"
            r"deadline|wann|quand)\b",
            re.IGNORECASE,
        ),
        _TIME,
    ),
    (re.compile(r"\b(?:where|wo|où|dónde)\b", re.I), _PLACE),
    (re.compile(r"\b(?:why|reason|cause|warum|pourquoi)\b", re.I), _CAUSE),
)


@dataclass(frozen=True, slots=True)
class Pick:
    """A piece that answers: `text` is exactly `source.text[start:end]`."""

    source: NumberedSource
    start: int
    end: int
    score: float
    code: bool = False
    head: str = ""
    """The head of the table that a row stands in, word for word; empty for anything else."""

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]


@dataclass(slots=True)
class _Candidate:
    source: NumberedSource
    piece: Piece
    text: str
    own: frozenset[str]
    header: frozenset[str]
    """Words of the table's head, for a row of it."""
    head: str
    """The head itself."""
    around: frozenset[str]
    """Words of title, headings and the line that leads in."""
    before: frozenset[str]
    """Words of the sentence before, in the same paragraph."""
    covered: tuple[float, ...] = ()
    coverage: float = 0.0
    likeness: float = 0.0
    score: float = 0.0


def extract(
    question: str, sources: Sequence[NumberedSource], *, background: str = "", similarity: Similarity | None = None
) -> list[Pick]:
    """The 1 to 4 pieces that answer best, best first; none when nothing speaks of the question.

    `background` is the question before this one, for follow-ups such as "and on Mondays?".
    """
    terms = question_terms(question, background)
    candidates = [candidate for source in sources for candidate in _candidates(source)]
    if not candidates or not terms:
        return []
    weights = _weights(terms, candidates)
    total = sum(weights.values())
    for candidate in candidates:
        candidate.covered = tuple(weights[term] * _found(term, candidate) for term in terms)
        candidate.coverage = sum(candidate.covered) / total
    if similarity is not None:
        asked = f"{question} {background}".strip()
        for candidate, cosine in zip(candidates, similarity(asked, [c.text for c in candidates]), strict=True):
            candidate.likeness = max(0.0, cosine)
    best_hit = max((source.score for source in sources), default=0.0)
    for candidate in candidates:
        candidate.score = _score(question, candidate, best_hit)
    return _choose(candidates)


def question_terms(question: str, background: str = "") -> dict[str, float]:
    """The stems asked for and how much each counts; words of the question before count less, and a day, month or
    number asked for now replaces the one asked for then."""
    terms = dict.fromkeys(content_words(_HOW.sub(" ", question)), 1.0)
    if not terms:
        terms = {stem(word): 1.0 for word in words(question)}
    replaced = {kind_of(term) for term in terms} - {""}
    for term in content_words(background):
        if term not in terms and kind_of(term) not in replaced:
            terms[term] = _BACKGROUND
    return terms


def _candidates(source: NumberedSource) -> list[_Candidate]:
    found: list[_Candidate] = []
    label = all_stems(source.label)
    heading: frozenset[str] = frozenset()
    header: frozenset[str] = frozenset()
    header_text = ""
    lead: frozenset[str] = frozenset()
    before: tuple[int, frozenset[str]] = (-1, frozenset())
    for piece in pieces(source.text):
        text = source.text[piece.start : piece.end]
        stems = all_stems(text)
        if piece.kind == "heading":
            heading, header, lead = stems, frozenset(), frozenset()
            continue
        if piece.kind == "header":
            header, header_text = stems, text
            continue
        around = label | heading
        if piece.kind in ("item", "row", "code", "pair"):
            around |= lead
        near = before[1] if before[0] == piece.block or piece.kind in ("pair", "code") else frozenset()
        shown = _shown(source.text, piece)
        if shown is not None:
            head, head_text = (header, header_text) if piece.kind == "row" and header else (frozenset(), "")
            text = source.text[shown.start : shown.end]
            found.append(_Candidate(source, shown, text, stems, head, head_text, around, near))
        # a question in a mail or an FAQ, or a line that ends in a colon, speaks for what follows it
        if text.rstrip("*_").endswith((":", "?")):
            lead = stems
            before = (piece.block, stems)
        elif piece.kind == "sentence":
            lead = frozenset()
            before = (piece.block, stems)
        else:
            before = (piece.block, stems)
    return found


def _shown(text: str, piece: Piece) -> Piece | None:
    """What of a piece is shown: code without its fence, very long pieces cut at a word; None when nothing is left."""
    start, end = piece.start, piece.end
    if piece.kind == "code":
        start = text.find("\n", start, end) + 1 or end
        last = text.rfind("\n", start, end)
        if last >= 0 and text[last + 1 : end].strip()[:3] in ("```", "~~~"):
            end = last
    if end - start > _LONGEST:
        end = start + len(text[start : start + _LONGEST].rsplit(None, 1)[0])
    return Piece(piece.kind, start, end, piece.block, piece.marker) if text[start:end].strip() else None


def _weights(terms: dict[str, float], candidates: Sequence[_Candidate]) -> dict[str, float]:
    """Inverse document frequency over the pieces at hand, times what the term counts by itself."""
    count = len(candidates)
    weights = {}
    for term, factor in terms.items():
        seen = sum(1 for candidate in candidates if match(term, candidate.own) > 0)
        weights[term] = factor * math.log(1 + (count + 1) / (seen + 1))
    return weights


def _found(term: str, candidate: _Candidate) -> float:
    own = match(term, candidate.own)
    around = max(_HEADER * match(term, candidate.header), _CONTEXT * match(term, candidate.around))
    both = max(own, around) + (0.25 * min(own, around) if own < 1.0 else 0.0)
    return min(1.0, max(both, _NEIGHBOUR * match(term, candidate.before)))


def _score(question: str, candidate: _Candidate, best_hit: float) -> float:
    """0 to about 1.2. The shares were set on a small collection of run-books, tables and mails."""
    rank = candidate.source.score / best_hit if best_hit > 0 and candidate.source.score > 0 else 0.0
    score = 0.65 * candidate.coverage + 0.25 * candidate.likeness + 0.1 * rank
    for asks, gives in _ASKS:
        if asks.search(question):
            score *= 1.15 if gives.search(candidate.text) else 0.8
            if gives is _CAUSE and _NAMES_CAUSE.match(candidate.text):
                score *= 1.5  # it says why of the sentence before, whose words it does not repeat
            break
    if _shares_phrase(question, candidate.text):
        score += 0.05
    if candidate.piece.kind in ("pair", "sentence") and _repeats_title(candidate):
        score *= 0.5
    length = len(candidate.text.split())
    if candidate.text.rstrip("*_").endswith(("?", ":")) and candidate.piece.kind != "code":
        score *= 0.35
    elif length < 3 and candidate.piece.kind not in ("row", "pair", "item"):
        score *= 0.7
    elif length > 60:
        score *= 0.85
    return score


def _repeats_title(candidate: _Candidate) -> bool:
    return set(content_words(candidate.text)) <= set(content_words(candidate.source.label)) | _LABELS


def _shares_phrase(question: str, text: str) -> bool:
    """True when two neighbouring words of the question stand side by side in the text."""
    asked, said = [stem(w) for w in words(question)], [stem(w) for w in words(text)]
    pairs = {pair for pair in pairwise(asked) if any(len(word) > 3 for word in pair)}
    return not pairs.isdisjoint(pairwise(said))


def _choose(candidates: Sequence[_Candidate]) -> list[Pick]:
    speaking = [
        candidate
        for candidate in candidates
        if candidate.coverage >= LEAST_COVERAGE or candidate.likeness >= LEAST_LIKENESS
    ]
    ordered = sorted(speaking, key=lambda c: (-c.score, c.source.n, c.piece.start))
    chosen: list[_Candidate] = []
    for candidate in ordered:
        if len(chosen) == MOST_PIECES or (chosen and candidate.score < _FAR_BEHIND * chosen[0].score):
            break
        if not any(_says_the_same(candidate, other) or _is_lesser_row(candidate, other) for other in chosen):
            chosen.append(candidate)
    return [Pick(c.source, c.piece.start, c.piece.end, c.score, c.piece.kind == "code", c.head) for c in chosen]


def _says_the_same(a: _Candidate, b: _Candidate) -> bool:
    shared = len(a.own & b.own)
    return shared >= 0.9 * max(1, min(len(a.own), len(b.own))) and a.text[:40].split() == b.text[:40].split()


def _is_lesser_row(row: _Candidate, chosen: _Candidate) -> bool:
    """True for a row that covers nothing of the question that a chosen row of the same source does not, and less."""
    if row.piece.kind != "row" or chosen.piece.kind != "row" or row.source is not chosen.source:
        return False
    return chosen.coverage > row.coverage and all(a >= b for a, b in zip(chosen.covered, row.covered, strict=True))
