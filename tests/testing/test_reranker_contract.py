"""`check_reranker` bites: one wrong reranker for each promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from opsvi_cli.sdk import Hit
from opsvi_cli.testing import check_reranker


class Words:
    """The share of the query's words that are in the text."""

    def rerank(self, query: str, hits: Sequence[Hit]) -> Any:
        words = set(query.lower().split())
        return [len(words & set(hit.text.lower().split())) / (len(words) or 1) for hit in hits]


def test_good_ones() -> None:
    check_reranker(Words())
    check_reranker(type("Same", (), {"rerank": lambda _self, _query, hits: [0.5] * len(hits)})())


def _changed(change: Callable[[list[float], Sequence[Hit]], Any]) -> Words:
    class Wrong(Words):
        def rerank(self, query: str, hits: Sequence[Hit]) -> Any:
            return change(super().rerank(query, hits), hits)

    return Wrong()


def _eats(scores: list[float], hits: Any) -> Any:
    hits.clear()
    return scores


WRONG: dict[str, tuple[Any, str]] = {
    "one less": (lambda scores, _: scores[:-1], "every hit must get a score; 5 hits got 4"),
    "sorted": (lambda scores, _: sorted(scores, reverse=True), "scores must be in the order of the hits"),
    "a tuple": (lambda scores, _: tuple(scores), "`rerank` must give a list; it gave ("),
    "texts": (lambda scores, _: [str(n) for n in scores], "every score must be a finite number"),
    "not a number": (lambda scores, _: [float("nan") for _n in scores], "every score must be a finite number"),
    "infinite": (lambda scores, _: [float("inf") for _n in scores], "every score must be a finite number"),
    "true": (lambda scores, _: [bool(n) for n in scores], "every score must be a finite number"),
    "something for nothing": (lambda scores, _: scores or [1.0], "every hit must get a score; 0 hits got 1"),
    "eats its input": (_eats, "`rerank` must leave the list of hits as it is"),
    "fails when empty": (lambda scores, _: [n / max(scores) for n in scores] or scores[0], "`rerank` of 0 hits for"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_scores(name: str, broken: Callable[..., Any]) -> None:
    change, words = WRONG[name]
    found = broken(check_reranker, _changed(change))
    assert any(words in sentence for sentence in found), found
