"""A follow-up ("and on Mondays?") is searched together with the question that it leans on."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .terms import content_words

_REFERS = re.compile(
    r"^\W*(?:and|or|but|also|what about|how about|why|then|und|oder|et|y)\b|"
    r"\b(?:it|its|they|them|their|that|this|those|these|he|she|him|her|his|there|then|same|other|others|another|one)\b",
    re.IGNORECASE,
)


def follow_up_background(question: str, earlier: Sequence[str]) -> str:
    """The question before, when this one leans on it; else nothing.

    Follow-ups of follow-ups go back to the question that stood on its own, three questions at most.
    """
    background: list[str] = []
    current = question
    for before in reversed(earlier[-3:]):
        if not _leans(current):
            break
        background.append(before)
        current = before
    return " ".join(background)


def _leans(question: str) -> bool:
    terms = content_words(question)
    return len(terms) <= 1 or (len(terms) <= 4 and bool(_REFERS.search(question)))
