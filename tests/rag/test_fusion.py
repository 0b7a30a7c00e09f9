"""Fusion of two rankings, by hand."""

from __future__ import annotations

import pytest

from opsvi_cli.rag.fusion import best_first, convex, reciprocal_rank
from opsvi_cli.sdk import Scored

WORDS = [Scored("a", 10.0), Scored("b", 6.0), Scored("c", 2.0)]
DENSE = [Scored("c", 0.9), Scored("d", 0.5), Scored("a", 0.1)]


def test_convex_by_hand() -> None:
    # stretched: words a 1, b .5, c 0; dense c 1, d .5, a 0
    fused = convex(WORDS, DENSE, 0.4)
    assert [(s.chunk_id, s.score) for s in fused] == [("a", 0.6), ("c", 0.4), ("b", 0.3), ("d", 0.2)]


@pytest.mark.parametrize(("weight", "order"), [(0.0, "abcd"), (1.0, "cdab")])
def test_the_ends_of_the_weight_are_one_ranking(weight: float, order: str) -> None:
    assert "".join(s.chunk_id for s in convex(WORDS, DENSE, weight)) == order


def test_reciprocal_rank_by_hand() -> None:
    fused = reciprocal_rank(WORDS, DENSE)
    assert [s.chunk_id for s in fused] == ["a", "c", "b", "d"]
    assert fused[0].score == pytest.approx(1 / 61 + 1 / 63, abs=1e-6)
    assert fused[0].score == fused[1].score  # a tie, ordered by id


def test_one_empty_ranking_leaves_the_other() -> None:
    assert [s.chunk_id for s in convex(WORDS, [], 0.4)] == ["a", "b", "c"]
    assert [s.chunk_id for s in convex([], DENSE, 0.4)] == ["c", "d", "a"]
    assert convex([], [], 0.4) == []
    assert reciprocal_rank([], []) == []


def test_equal_scores_count_in_full() -> None:
    assert convex([Scored("b", 3.0), Scored("a", 3.0)], [], 0.4) == [Scored("a", 0.6), Scored("b", 0.6)]


def test_best_first_breaks_ties_by_id() -> None:
    assert [s.chunk_id for s in best_first([Scored("b", 1), Scored("c", 2), Scored("a", 1)])] == ["c", "a", "b"]
