"""Reranker `huggingface`: the model of a TEI server, which reads query and passage together."""

from __future__ import annotations

from collections.abc import Sequence

from opsvi_cli.sdk import Hit, Services, UsageError, checked_scores, rerank_in_batches

from .client import endpoint, open_http

_BATCH = 32
"""What TEI takes at once."""
_LONGEST = 100_000


class HuggingFaceReranker:
    """Settings `parts.huggingface`: rerank_url (of a TEI server with a reranker; base_url, if not said), api_key and
    timeout as for the provider; rerank_model names the model in messages and in usage."""

    remote = True

    def __init__(self, services: Services) -> None:
        if not services.options.get("rerank_url") and not services.options.get("base_url"):
            raise UsageError(
                f"reranker {services.name}: rerank_url is not set: a TEI server is needed",
                hint=f"opsvi config set parts.{services.name}.rerank_url URL",
            )
        self._services = services

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        """Scores from 0 to 1; of what is too long for the model, its beginning counts. Raises ProviderError."""
        return rerank_in_batches(query, hits, self._request, batch=_BATCH, longest=_LONGEST)

    def _request(self, query: str, texts: list[str]) -> list[float]:
        at = endpoint(self._services, "parts", "rerank_url")
        server = at.where.server(str(self._services.options.get("rerank_model") or ""))
        headers = {"authorization": f"Bearer {at.where.key}"} if at.where.key else {}
        body = {"query": query, "texts": texts, "truncate": True}
        with open_http(self._services, at, server) as http:
            answer = http.post(f"{at.where.base_url}/rerank", json=body, headers=headers)
            return checked_scores(answer.json(), len(texts), server, "score")
