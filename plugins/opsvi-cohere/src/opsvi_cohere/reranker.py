"""Reranker `cohere`: how relevant each hit is to the query, as a model says that reads both together."""

from __future__ import annotations

from collections.abc import Sequence

from opsvi_cli.sdk import Hit, Services, checked_scores, rerank_in_batches

from .client import cohere_connection, document, open_client

_DEFAULT_MODEL = "rerank-v3.5"
_BATCH = 500
_LONGEST_TEXT = 16_000
"""Characters: the models read about 4000 tokens of query and document together, and cut the rest off themselves."""


class CohereReranker:
    """Settings `parts.cohere`: rerank_model; base_url, api_key (a reference), timeout."""

    remote = True

    def __init__(self, services: Services) -> None:
        self._services = services
        self._model = str(services.options.get("rerank_model") or _DEFAULT_MODEL)

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        """Scores from 0 to 1. Raises ProviderError."""
        return rerank_in_batches(query, hits, self._request, batch=_BATCH, longest=_LONGEST_TEXT)

    def _request(self, query: str, texts: list[str]) -> list[float]:
        where = cohere_connection(self._services, "parts")
        server = where.server(self._model)
        with open_client(self._services, where, server) as client:
            answer = client.with_raw_response.rerank(model=self._model, query=query, documents=texts)
            return checked_scores(document(answer, server).get("results"), len(texts), server)
