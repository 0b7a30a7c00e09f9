"""Reranker `cohere`: how relevant each hit is to the query, as a model says that reads both together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from opsvi_cli.sdk import Hit, Server, Services

from .client import cohere_connection, document, open_client
from .request import encodable

_DEFAULT_MODEL = "rerank-v3.5"
_BATCH = 500
_LONGEST_TEXT = 16_000
_LONGEST_QUERY = 4_000
"""Characters: the models read about 4000 tokens of query and document together, and cut the rest off themselves."""


class CohereReranker:
    """Settings `parts.cohere`: rerank_model; base_url, api_key (a reference), timeout."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._model = str(services.options.get("rerank_model") or _DEFAULT_MODEL)

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        """Scores from 0 to 1. A hit without text, and every hit for an empty query, gets 0 without being sent."""
        scores = [0.0] * len(hits)
        query = str(encodable(query))[:_LONGEST_QUERY].strip()
        wanted = [position for position, hit in enumerate(hits) if query and hit.text.strip()]
        for start in range(0, len(wanted), _BATCH):
            positions = wanted[start : start + _BATCH]
            texts = [encodable(hits[position].text)[:_LONGEST_TEXT] for position in positions]
            for position, score in zip(positions, self._request(query, texts), strict=True):
                scores[position] = score
        return scores

    def _request(self, query: str, texts: list[str]) -> list[float]:
        where = cohere_connection(self._services, "parts")
        server = where.server(self._model)
        with open_client(self._services, where, server) as client:
            answer = client.with_raw_response.rerank(model=self._model, query=query, documents=texts)
            return _scores(document(answer, server).get("results"), len(texts), server)


def _scores(results: Any, count: int, server: Server) -> list[float]:
    """In the order of the texts: the server sends the best first, with the place where each text stood."""
    if not isinstance(results, list) or len(results) != count:
        came = f"{len(results)} scores" if isinstance(results, list) else "no scores"
        raise server.bad_response(f"{came} came for {count} texts")
    by_index: dict[int, float] = {}
    for entry in results:
        index = entry.get("index") if isinstance(entry, dict) else None
        score = entry.get("relevance_score") if isinstance(entry, dict) else None
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count or index in by_index:
            raise server.bad_response("the scores are not numbered by the texts")
        if not isinstance(score, (int, float)) or isinstance(score, bool) or not math.isfinite(score):
            raise server.bad_response("a score is no finite number")
        by_index[index] = float(score)
    return [by_index[index] for index in range(count)]
