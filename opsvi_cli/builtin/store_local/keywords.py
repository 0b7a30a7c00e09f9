"""From a user's words to an FTS5 expression that cannot be a syntax error, and bigrams for scripts without spaces.

The words are cut as the tokenizer `unicode61` of the tables cuts them (letters, numbers and combining marks). Each is
quoted, so no character of the user's text is ever an operator. Repeated words stay: they weigh more.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator

MAX_TERMS = 32
"""FTS5 reads every posting of every word: of a longer text only the rarest words are looked up."""

STOP_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
        about above after again against all also am among an and any are aren as at be because been before being
        below between both but by can cannot could couldn did didn do does doesn doing don down during each either
        else etc ever few for from further get give had has have having he her here hers herself him himself his how
        however if in into is isn it its itself just let ll me might more most much must my myself neither no nor not
        of off on once one only or other our ours ourselves out over own per please quite rather re same shall she
        should shouldn since so some such tell than that the their theirs them themselves then there therefore these
        they this those though through thus to too toward towards under until up upon us ve very via was wasn we were
        weren what when where whether which while who whom whose why will with within without would wouldn yet you
        your yours yourself
        """,
    )
)

# Han, Hiragana, Katakana, Hangul, Thai, Lao, Khmer, Burmese: written without spaces, or with endings glued on.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003134f]+"
)
_QUOTED = re.compile(r'"([^"]+)"')
_APOSTROPHES = str.maketrans(dict.fromkeys("'’ʼ`´", " "))


def grams(text: str) -> str:
    """Pairs of neighbouring characters of every run of an unspaced script, with spaces between."""
    return " ".join(pair for run in _UNSPACED.findall(text) for pair in _pairs(run))


def _pairs(run: str) -> Iterable[str]:
    return [run[n : n + 2] for n in range(len(run) - 1)] or [run]


def words(text: str) -> list[str]:
    """The tokens of a text in order, as the tokenizer of the tables would cut them; it folds their case itself."""
    found: list[str] = []
    pending: list[str] = []
    for char in text:
        category = unicodedata.category(char)
        if category[0] in "LN" or category in ("Co", "Mn", "Mc"):
            pending.append(char)
        elif pending:
            found.append("".join(pending))
            pending.clear()
    return [*found, "".join(pending)] if pending else found


def terms(text: str) -> list[str]:
    """What to look up, repeated as in the text: words that carry meaning, phrases, bigrams. Unquoted."""
    unspaced = [pair for run in _UNSPACED.findall(text) for pair in _pairs(run)]
    spaced = _UNSPACED.sub(" ", text)
    every = words(spaced)
    chosen = [word for word in every if len(word) > 1 and word.lower() not in STOP_WORDS] or every
    return [*chosen, *_phrases(spaced), *unspaced]


def _phrases(text: str) -> Iterator[str]:
    """Words joined by punctuation (`10.0.0.1`, `disk-full`) and what the user put in quotes, as phrases."""
    for quoted in _QUOTED.findall(text):
        inside = words(quoted)
        if len(inside) > 1:
            yield " ".join(inside)
    for piece in text.translate(_APOSTROPHES).replace('"', " ").split():
        inside = words(piece)
        if len(inside) > 1:
            yield " ".join(inside)


def expression(connection: sqlite3.Connection, text: str) -> str | None:
    """The FTS5 query for a text: any of its terms. None when it has no word."""
    found = terms(text)
    if len(set(found)) > MAX_TERMS:
        keep = _rarest(connection, set(found), MAX_TERMS)
        found = [term for term in found if term in keep]
    return " OR ".join(f'"{term}"' for term in found) or None


def _rarest(connection: sqlite3.Connection, candidates: set[str], count: int) -> set[str]:
    """The terms that stand in the fewest chunks, and in one at least where that many do."""
    seen: list[tuple[bool, int, str]] = []
    for term in candidates:
        query = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT 100000)"
        (number,) = connection.execute(query, (f'"{term}"',)).fetchone()
        seen.append((number == 0, number, term))
    return {term for _missing, _number, term in sorted(seen)[:count]}
