"""What people search for in kept texts, in the syntax of SQLite's FTS5: words, "several words" together, begin*."""

from __future__ import annotations

import re
from collections.abc import Callable

_WORD = re.compile(r'"[^"]+"|\w+\*?')
# Scripts written without spaces: FTS5 takes what stands between two punctuation marks for one word.
_UNSPACED = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_BEFORE_NEXT = re.compile(f"({_UNSPACED})(?={_UNSPACED})")
_GAP = re.compile(f"({_UNSPACED}) (?={_UNSPACED})")


def fts_query(text: str, indexed: Callable[[str], str] = str) -> str:
    """All words of `text`, each quoted so that AND, NEAR and the like are words too; empty when there is none.

    `indexed` is what was done to the texts before they were indexed.
    """
    return " ".join(_term(word, indexed) for word in _WORD.findall(text))


def _term(word: str, indexed: Callable[[str], str]) -> str:
    stem = indexed(word.strip('"').removesuffix("*"))
    return f'"{stem}"' + ("*" if word.endswith("*") else "")


def spaced(text: str) -> str:
    """The text to index: every sign of a script without spaces is a word, and a word of it a phrase."""
    return _BEFORE_NEXT.sub(r"\1 ", text)


def unspaced(text: str) -> str:
    """The text as people read it, of what `spaced` gave."""
    return _GAP.sub(r"\1", text)
