"""Does an answer rest on its sources? Every `[n]`, every quotation, number, name and sentence is held against them.

A sentence is supported when it cites, every source it cites exists, what it quotes stands there word for word, its
numbers and names stand there, and at least `LEAST_OVERLAP` of its content words do. This is a check of wording, not of
meaning: it finds invented sources, quotations, figures and names, and sentences from nowhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from opsvi_cli.sdk import Citation

from .context import NumberedSource
from .sentences import Piece, pieces
from .terms import NEGATIONS, all_stems, content_words, digits_in, match, numbers, stem, word_set, words

LEAST_OVERLAP = 0.5
"""Share of a sentence's content words that must stand in the sources it cites."""
_SHARE_OF_ONE = 0.25
"""Share that one of several cited sources must give, for its own citation to count as supported."""
LONGEST_QUOTE = 300
_UNCITED = "cites no source"

_MARK = re.compile(
    r"(?<!\w)\[\^?(\d+(?:\s*[,;–-]\s*\d+)*)\](?![(:])|(?<=\w)\[(\d+(?:\s*[,;–-]\s*\d+)*)\](?![(:])|【(\d+)[^】]{0,20}】"
)
_CODE = re.compile(r"`[^`\n]+`")
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{5,}?)[\"”“»]")
_GREETING = re.compile(
    r"\W*(?:hello|hi|hey|sure|certainly|of course|yes|no|thanks|thank you|you'?re welcome|welcome|"
    r"let me know[^.!?]*|(?:i )?hope (?:this|that) helps|here(?:'s| is| are)[^.!?]{0,60}|"
    r"(?:is|anything) [^.!?]{0,30}else[^.!?]{0,40}|how can i help[^.!?]*|based on the sources|in summary|summary|"
    r"hallo|gerne|bonjour|bien sûr|hola)(?: there)?\W*",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"\b(?:i (?:do not|don'?t) (?:know|have)|i (?:can(?:not|'t)|am unable|could not|couldn'?t)|not sure|"
    r"(?:sources?|documents?|context|passages?|text)\b.{0,40}\b(?:do(?:es)? not|don'?t|doesn'?t|no|none|nothing)|"
    r"(?:no|not enough|insufficient) information|(?:is|are) not (?:mentioned|given|stated|covered|specified)|"
    r"nothing (?:in|about)|ich weiß (?:es )?nicht|je ne sais pas|no lo sé|quellen .{0,40}nicht)",
    re.IGNORECASE,
)


_MOST_LINES = 10


@dataclass(frozen=True, slots=True)
class Check:
    """What the check found. `problems` are for people, in the order of the answer; `uncited` are the numbers of the
    sentences that cite nothing."""

    citations: tuple[Citation, ...]
    unsupported: tuple[str, ...]
    problems: tuple[str, ...]
    uncited: tuple[int, ...] = ()

    def lines(self, *, uncited: bool = True) -> list[str]:
        """The problems in a few lines, those of sentences without a citation in one, if at all."""
        found = [problem for problem in self.problems if not problem.endswith(_UNCITED)]
        if len(found) > _MOST_LINES:
            found[_MOST_LINES:] = [f"{len(found) - _MOST_LINES} more sentences have no support"]
        if self.uncited and uncited:
            some = ", ".join(map(str, self.uncited[:_MOST_LINES])) + (" ..." if len(self.uncited) > _MOST_LINES else "")
            one = len(self.uncited) == 1
            found.append(f"sentence {some} cites no source" if one else f"sentences {some} cite no source")
        return found

    @property
    def supported(self) -> bool:
        return not self.unsupported


@dataclass(frozen=True, slots=True)
class _Sentence:
    number: int
    text: str
    """Without its citations."""
    cited: tuple[int, ...]
    code: bool


def check_answer(answer: str, sources: Sequence[NumberedSource]) -> Check:
    """Hold every sentence of an answer against the sources it cites."""
    by_number = {source.n: source for source in sources}
    citations: dict[tuple[int, str], Citation] = {}
    unsupported: list[str] = []
    problems: list[str] = []
    uncited: list[int] = []
    for sentence in _claims(answer):
        found = _problems(sentence, by_number)
        problems += [f"sentence {sentence.number} {problem}" for problem in found]
        if found == [_UNCITED]:
            uncited.append(sentence.number)
        if found:
            unsupported.append(" ".join(sentence.text.split()))
        for n in sentence.cited:
            citation = _citation(n, sentence, by_number.get(n), supported=not found)
            known = citations.get((n, citation.quote))
            if known is None or (citation.supported and not known.supported):
                citations[n, citation.quote] = citation
    return Check(tuple(citations.values()), tuple(unsupported), tuple(problems), tuple(uncited))


def cited_numbers(text: str) -> list[int]:
    """The numbers cited in a text, in order, each once; `[1-3]` is three, code is left out."""
    found: list[int] = []
    for mark in _MARK.finditer(_CODE.sub(lambda code: " " * len(code[0]), text)):
        for part in re.split(r"\s*[,;]\s*", next(group for group in mark.groups() if group)):
            first, _, last = (piece.strip() for piece in part.replace("–", "-").partition("-"))
            low, high = int(first), int(last or first)
            found.extend(range(low, high + 1) if low <= high < low + 50 else (low, high))
    return list(dict.fromkeys(found))


def without_marks(text: str) -> str:
    """A text without its citations."""
    return re.sub(r"[ \t]+(?=[.,;!?]|$)", "", _MARK.sub("", text), flags=re.MULTILINE).strip()


def _claims(answer: str) -> list[_Sentence]:
    """The sentences that say something: no headings, lead-ins, table heads, greetings or admissions of not knowing."""
    cut = pieces(answer, whole_items=False)
    claims: list[_Sentence] = []
    number = 0
    for at, piece in enumerate(cut):
        if piece.kind in ("heading", "header"):
            continue
        number += 1
        text = answer[piece.start + piece.marker : piece.end]
        bare = without_marks(text)
        cited = () if piece.kind == "code" else tuple(cited_numbers(text))
        if not cited and _needs_no_source(bare, piece, cut[at + 1] if at + 1 < len(cut) else None):
            continue
        if not cited and not words(bare):
            continue
        claims.append(_Sentence(number, bare, cited, piece.kind == "code"))
    return claims


def _needs_no_source(text: str, piece: Piece, following: Piece | None) -> bool:
    plain = text.strip("*_ \n")
    if plain.endswith(":") and following is not None and following.kind in ("item", "row", "header", "code", "pair"):
        return True
    if plain.endswith("?") or _GREETING.fullmatch(plain):
        return True
    return (
        piece.kind != "code"
        and bool(_REFUSAL.search(plain))
        and not digits_in(plain)
        and not re.search(r"\b(?:but|however|though|aber|mais|pero)\b", plain, re.IGNORECASE)
    )


def _problems(sentence: _Sentence, by_number: dict[int, NumberedSource]) -> list[str]:
    if sentence.code:
        return _code_problems(sentence, by_number)
    if not sentence.cited:
        return [_UNCITED]
    missing = [n for n in sentence.cited if n not in by_number]
    found = [f"cites [{n}], which does not exist" for n in missing]
    cited = [by_number[n] for n in sentence.cited if n in by_number]
    if not cited:
        return found
    where = "".join(f"[{source.n}]" for source in cited)
    for quote in _quotations(sentence.text):
        if not any(_stands_in(quote, source.text) for source in cited):
            found.append(f"quotes words that do not stand in {where}: “{_clip(quote)}”")
    readable = "\n".join(f"{source.label}\n{source.text}" for source in cited)
    absent = [text for text in digits_in(sentence.text) if text not in numbers(readable)]
    if absent:
        found.append(f"says {', '.join(dict.fromkeys(absent))}, which is not in {where}")
    stems = all_stems(f"{readable}\n{' '.join(source.source for source in cited)}")
    strangers = [name for name in _names(sentence.text) if not match(stem(name.casefold()), stems)]
    if strangers:
        found.append(f"names {', '.join(dict.fromkeys(strangers))}, which is not in {where}")
    if not found and overlap(sentence.text, readable) < LEAST_OVERLAP:
        found.append(f"has little in common with {where}")
    if not found and _denies(sentence.text, cited):
        found.append(f"seems to say the opposite of {where}")
    return found


def _code_problems(sentence: _Sentence, by_number: dict[int, NumberedSource]) -> list[str]:
    """Code carries no citation: each of its lines must stand in some source."""
    lines = [
        line for line in sentence.text.splitlines() if line.strip() and not line.lstrip().startswith(("```", "~~~"))
    ]
    known = [source.text for source in by_number.values()]
    if all(any(_stands_in(line, text) for text in known) for line in lines):
        return []
    return ["shows code that stands in no source"]


def overlap(sentence: str, text: str) -> float:
    """The share of the sentence's content words that stand in the text; 1 when it has none."""
    wanted = content_words(sentence)
    stems = all_stems(text)
    return sum(1 for term in wanted if match(term, stems) >= 0.5) / len(wanted) if wanted else 1.0


def best_quote(sentence: str, source: NumberedSource) -> tuple[str, int]:
    """The piece of a source that says most of what the sentence says, word for word, and its offset."""
    wanted = content_words(sentence)
    best: tuple[float, int, int] = (-1.0, 0, min(len(source.text), LONGEST_QUOTE))
    for piece in pieces(source.text):
        text = source.text[piece.start : piece.end]
        stems = all_stems(text)
        shared = sum(match(term, stems) for term in wanted)
        score = shared / (len(wanted) + 0.1 * len(stems) + 1) - (0.2 if piece.kind in ("heading", "header") else 0)
        if score > best[0]:
            best = (score, piece.start, piece.end)
    _, start, end = best
    quote = source.text[start:end]
    if len(quote) > LONGEST_QUOTE:
        quote = quote[:LONGEST_QUOTE].rsplit(None, 1)[0]
    return quote.strip(), start + len(quote) - len(quote.lstrip())


def _citation(n: int, sentence: _Sentence, source: NumberedSource | None, *, supported: bool) -> Citation:
    if source is None:
        return Citation(n, "", None, "", supported=False)
    quote, offset = best_quote(sentence.text, source)
    hit = source.hit_at(offset)
    if supported and len(sentence.cited) > 1:
        supported = overlap(sentence.text, f"{source.label}\n{source.text}") >= _SHARE_OF_ONE
    return Citation(n, source.source, hit.page if hit else None, quote, supported=supported)


def _quotations(text: str) -> list[str]:
    """What stands between quotation marks and has three words or more; an ellipsis cuts it in two."""
    found: list[str] = []
    for match_ in _QUOTED.finditer(text):
        parts = re.split(r"\s*(?:\[?(?:\.\.\.|…)\]?)\s*", match_[1])
        if len(words(match_[1])) >= 3:
            found.extend(part for part in parts if part.strip())
    return found


def _stands_in(quote: str, text: str) -> bool:
    return _normal(quote).strip(" .,;:!?") in _normal(text)


_SAME = str.maketrans(
    {"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "\u00ad": ""}
)


def _normal(text: str) -> str:
    """One spelling of white space, quotation marks, dashes, case; no Markdown emphasis."""
    text = unicodedata.normalize("NFKC", text).translate(_SAME).casefold()
    return " ".join(re.sub(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)", "", text).split())


_CAPITALISED = re.compile(r"[^\W\d_][\w'’-]*")


def _names(text: str) -> list[str]:
    """Capitalised words that are not so for standing first, and acronyms."""
    found: list[str] = []
    tokens = list(_CAPITALISED.finditer(text))
    capital = [token[0][0].isupper() for token in tokens]
    for at, token in enumerate(tokens):
        word = token[0]
        if not capital[at] or (len(word) < 2):
            continue
        first = not re.search(r"\w", text[: token.start()]) or re.search(
            r"[.!?:\"“(]\s*$|[-*|]\s$", text[: token.start()]
        )
        acronym = len(word) > 1 and word.isupper()
        paired = at + 1 < len(tokens) and capital[at + 1] and text[token.end() : tokens[at + 1].start()] == " "
        if first and not acronym and not (paired and word.casefold() not in _OPENERS):
            continue
        if word.casefold().removesuffix("'s") not in _OPENERS:
            found.append(re.sub(r"['’]s$", "", word))
    return found


_OPENERS = word_set(
    "the a an in on at by for from to of and or but if when while after before since as this that these those it its "
    "he she they we you i there here who what where why how all each every both no not yes with without according i'm "
    "i'd i'll ok"
)


def _denies(sentence: str, cited: Sequence[NumberedSource]) -> bool:
    """True when the source's own sentence says nearly the same words, and only one of the two has a negation."""
    mine = set(content_words(sentence))
    if len(mine) < 3:
        return False
    negated = _negated(sentence)
    verdicts = []
    for source in cited:
        for piece in pieces(source.text):
            text = source.text[piece.start : piece.end]
            theirs = set(content_words(text))
            if len(mine & theirs) >= 0.85 * len(mine) and len(mine & theirs) >= 0.6 * len(theirs):
                verdicts.append(_negated(text) != negated)
    return bool(verdicts) and all(verdicts)


def _negated(text: str) -> bool:
    said = words(text)
    return any(word in NEGATIONS or word.endswith("n't") for word in said) or any(
        pair in (("no", "longer"),) for pair in pairwise(said)
    )


def _clip(text: str, most: int = 80) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
