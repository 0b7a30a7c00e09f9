"""Scores of a reranker that asks a server, checked before anything is put in order by them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from .documents import Hit
from .servers import Server

_LONGEST_QUERY = 4_000


def rerank_in_batches(
    query: str,
    hits: Sequence[Hit],
    request: Callable[[str, list[str]], list[float]],
    *,
    batch: int,
    longest: int,
) -> list[float]:
    """`rerank` of a reranker that asks a server: a score for each hit, in order.

    `request(query, texts)` gives the scores of at most `batch` texts. They and the query have at most `longest`
    characters, the query never more than 4000. Servers refuse texts that are empty: these get the lowest score of all.
    Nothing is asked for an empty query. Half a surrogate pair cannot be sent and becomes a question mark.
    """
    query = _sendable(query)[: min(longest, _LONGEST_QUERY)].strip()
    wanted = [position for position, hit in enumerate(hits) if query and hit.text.strip()]
    found: dict[int, float] = {}
    for start in range(0, len(wanted), batch):
        positions = wanted[start : start + batch]
        texts = [_sendable(hits[position].text[:longest]) for position in positions]
        found |= zip(positions, request(query, texts), strict=True)
    lowest = min(found.values(), default=0.0)
    return [found.get(position, lowest) for position in range(len(hits))]


def checked_scores(results: Any, count: int, server: Server, name: str = "relevance_score") -> list[float]:
    """The score called `name` of each text, in the order of the texts; the server sends each with its `index`.

    Raises ProviderError (bad-response) when some are missing, come twice or are not finite.
    """
    if not isinstance(results, list) or len(results) != count:
        came = f"{len(results)} scores" if isinstance(results, list) else "no scores"
        raise server.bad_response(f"{came} came for {count} texts")
    by_index: dict[int, float] = {}
    for entry in results:
        index = entry.get("index") if isinstance(entry, dict) else None
        score = entry.get(name) if isinstance(entry, dict) else None
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count or index in by_index:
            raise server.bad_response("the scores are not numbered by the texts")
        if not isinstance(score, (int, float)) or isinstance(score, bool) or not math.isfinite(score):
            raise server.bad_response("a score is no finite number")
        by_index[index] = float(score)
    return [by_index[index] for index in range(count)]


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
