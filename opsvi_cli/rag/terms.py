"""Words as questions and sources share them: content words, light stems, and how well two words match.

Used to pick sentences without a model and to check a model's citations. Deliberately shallow: a few English endings
are cut, other languages match by their word forms and common beginnings.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
# Scripts written without spaces: each pair of neighbours stands for a word.
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def word_set(text: str) -> frozenset[str]:
    """The words of a list written as one text."""
    return frozenset(text.split())


STOPWORDS = word_set(
    """a about after all also am an and any are as at be been before being but by can could did do does doing done
    for from get give had has have having he her here him his how i if in into is it its just know let like list
    many may me might more most much must my need no not of off on or other our out over please s said say says shall
    she should show so some such t tell than that the their them then there these they this those through to too
    under until up us use used using very want was we were what when where which while who whom whose why will with
    would you your happen happens mean means
    der die das den dem des ein eine einen einem einer eines und oder aber ist sind war waren wird werden wie was wer
    wann wo warum welche welcher welches für von mit auf aus bei nach zu zum zur im am an in ich du er sie es wir ihr
    nicht kein keine auch noch nur sich es gibt
    le la les un une des du de et ou est sont était qui que quoi quel quelle quels quelles quand comment pour dans par
    sur avec au aux ce cette ces il elle on nous vous ne pas
    el los las uno una y o es son era quien quién que qué cual cuál cuando cuándo como cómo donde dónde para por con
    en al del se su sus"""
)
NEGATIONS = word_set(
    "not no never none neither nor without cannot nothing nobody nicht kein keine keinen nie ohne pas jamais sans "
    "nunca sin"
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
"""Without May, which is mostly another word."""
_SHORT = {name[:3]: name for name in (*_DAYS, *_MONTHS)} | {
    "tues": "tuesday",
    "thur": "thursday",
    "thurs": "thursday",
    "sept": "september",
}
_NUMBER_WORDS = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
)
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty")
_NUMBERS = {word: str(number) for number, word in enumerate((*_NUMBER_WORDS, *_TEENS))} | {
    "thirty": "30",
    "forty": "40",
    "fifty": "50",
    "sixty": "60",
    "ninety": "90",
    "hundred": "100",
}
_RELATED = {
    "weekend": ("saturday", "sunday"),
    "weekday": _DAYS[:5],
    "phone": ("telephone", "tel", "mobile"),
    "email": ("mail", "e-mail"),
    "cost": ("price", "eur", "usd", "fee"),
    "price": ("cost", "eur", "usd", "fee"),
    "rota": ("roster", "schedule"),
    "retention": ("retain", "retained", "keep", "kept"),
    "own": ("owner",),
    "reachable": ("contact", "phone", "call"),
}


def words(text: str) -> list[str]:
    """Every word of `text`, folded: no case, no accents apart from letters of their own."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    found: list[str] = []
    for match in _WORD.finditer(folded):
        word = match[0]
        if _CJK.search(word):
            found.extend(word[i : i + 2] for i in range(max(1, len(word) - 1)))
        else:
            found.append(word.removesuffix("'s"))
    return found


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The word without its commonest English endings; names of days and months in full."""
    word = _SHORT.get(word, word)
    if len(word) <= 3 or not word.isascii() or not word.isalpha():
        return word
    for ending, replacement, shortest in (
        ("ies", "y", 5),
        ("sses", "ss", 6),
        ("ing", "", 6),
        ("ied", "y", 5),
        ("ed", "", 5),
        ("ly", "", 6),
        ("es", "e", 5),
    ):
        if word.endswith(ending) and len(word) >= shortest:
            word = word[: -len(ending)] + replacement
            break
    else:
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
    if len(word) > 4 and word[-1] == word[-2] and word[-1] not in "sl":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


def content_words(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order, each once."""
    kept = (stem(word) for word in words(text) if word not in STOPWORDS and (len(word) > 1 or word.isdigit()))
    return list(dict.fromkeys(kept))


def all_stems(text: str) -> frozenset[str]:
    """The stems of all words, and neighbours written as one (`back up` also gives `backup`)."""
    found = [stem(word) for word in words(text)]
    joined = (stem(a + b) for a, b in pairwise(found) if a.isalpha() and b.isalpha())
    return frozenset(found) | frozenset(joined)


def match(term: str, stems: frozenset[str]) -> float:
    """How well a stem is found among others: 1 the same, 0.7 a common beginning, 0.5 a near meaning, 0 not."""
    if term in stems:
        return 1.0
    number = _STEMMED_NUMBERS.get(term)
    if number is not None and number in stems:
        return 1.0
    best = 0.0
    if len(term) >= 4 and not any(character.isdigit() for character in term):
        for other in stems:
            if len(other) >= 4 and same_beginning(term, other):
                best = 0.7
                break
    if best < 0.5 and not stems.isdisjoint(_STEMMED_RELATED.get(term, frozenset())):
        best = 0.5
    return best


_STEMMED_NUMBERS = {stem(word): digit for word, digit in _NUMBERS.items()}
_STEMMED_RELATED = {stem(word): frozenset(map(stem, others)) for word, others in _RELATED.items()}


def same_beginning(a: str, b: str) -> bool:
    """True when the shorter word (4 letters or more) begins the longer, or both share most of their letters."""
    short, long = sorted((a, b), key=len)
    if long.startswith(short):
        return len(long) - len(short) <= 6
    shared = next((i for i, (x, y) in enumerate(zip(short, long, strict=False)) if x != y), len(short))
    return shared >= 6 and shared >= 0.75 * len(long)


def kind_of(term: str) -> str:
    """`day`, `month`, `number` or nothing: what a follow-up question replaces in the one before."""
    if term in {stem(day) for day in _DAYS} or term == "weekend":
        return "day"
    if term in {stem(month) for month in _MONTHS}:
        return "month"
    return "number" if term.isdigit() else ""


_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")


def numbers(text: str) -> set[str]:
    """The numbers of a text in one spelling: `1,000` as 1000, `02:00` as 2:00; small number words as digits."""
    found = {_plain_number(match[0]) for match in _NUMBER.finditer(text)}
    return found | {_NUMBERS[word] for word in words(text) if word in _NUMBERS}


def digits_in(text: str) -> list[str]:
    """Only the numbers written in digits, in the spelling of `numbers`."""
    return [_plain_number(match[0]) for match in _NUMBER.finditer(text)]


def _plain_number(text: str) -> str:
    text = re.sub(r"[,.](?=\d{3}(?:\D|$))", "", text)
    return re.sub(r"(?<![\d.,])0+(?=\d)", "", text)
