"""Joining a keyword ranking and a dense ranking into one.

Convex combination of min-max normalised scores (Bruch, Gai, Ingber: "An Analysis of Fusion Functions for Hybrid
Retrieval", 2023), and reciprocal rank fusion (Cormack, Clarke, Büttcher, 2009). Best first; ties by chunk id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opsvi_cli.sdk import Scored

RRF_K = 60


def convex(keyword: Sequence[Scored], dense: Sequence[Scored], dense_weight: float) -> list[Scored]:
    """Each list's scores are stretched to 0..1 and added with weights 1 - w and w; a missing one counts as 0."""
    joined: dict[str, float] = {}
    for ranking, weight in ((keyword, 1.0 - dense_weight), (dense, dense_weight)):
        for chunk_id, score in _stretched(ranking):
            joined[chunk_id] = joined.get(chunk_id, 0.0) + weight * score
    return best_first(Scored(chunk_id, round(score, 6)) for chunk_id, score in joined.items())


def reciprocal_rank(keyword: Sequence[Scored], dense: Sequence[Scored]) -> list[Scored]:
    """Sum of 1 / (60 + rank) over the lists."""
    joined: dict[str, float] = {}
    for ranking in (keyword, dense):
        for rank, scored in enumerate(ranking, 1):
            joined[scored.chunk_id] = joined.get(scored.chunk_id, 0.0) + 1.0 / (RRF_K + rank)
    return best_first(Scored(chunk_id, round(score, 6)) for chunk_id, score in joined.items())


def best_first(scores: Iterable[Scored]) -> list[Scored]:
    return sorted(scores, key=lambda scored: (-scored.score, scored.chunk_id))


def _stretched(ranking: Sequence[Scored]) -> list[tuple[str, float]]:
    if not ranking:
        return []
    low = min(scored.score for scored in ranking)
    span = max(scored.score for scored in ranking) - low
    return [(scored.chunk_id, (scored.score - low) / span if span > 0 else 1.0) for scored in ranking]
