"""Reranker of servers that have a rerank endpoint beside OpenAI's API: llama.cpp, vLLM, and those that do as they do.

The endpoint is Jina's and Cohere's: `POST /rerank` with query and documents gives `relevance_score`s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opsvi_cli.sdk import Hit, ProviderError, Services, UsageError, checked_scores, rerank_in_batches

from .openai_client import check_type, open_client, openai_connection
from .openai_presets import preset_of

_BATCH = 100
_LONGEST = 4_000


class OpenAIReranker:
    """Settings `parts.NAME`: rerank_model (what the server has loaded, if not said), rerank_characters (how much of
    query and passage is read), rerank_url (if not base_url); api_key, timeout, preset as for the embedder."""

    remote = True

    def __init__(self, services: Services) -> None:
        self._services = services
        self._preset = preset_of(services)
        self._model = str(services.options.get("rerank_model") or "")
        longest = services.options.get("rerank_characters", _LONGEST)
        if isinstance(longest, bool) or not isinstance(longest, int) or longest <= 0:
            raise UsageError(f"reranker {services.name}: rerank_characters {longest!r} is not a positive number")
        self._longest = longest

    @property
    def free(self) -> bool:
        return self._preset.is_free(self._services.options, "rerank_url")

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        """Scores as the model gives them, which may be negative. Raises ProviderError."""
        try:
            return rerank_in_batches(query, hits, self._request, batch=_BATCH, longest=self._longest)
        except ProviderError as error:
            if error.kind == "context":
                error.hint = f"opsvi config set parts.{self._services.name}.rerank_characters {self._longest // 2}"
            raise

    def _request(self, query: str, texts: list[str]) -> list[float]:
        import httpx2

        where = openai_connection(self._services, self._preset, "parts", "rerank_url")
        server = where.server(self._model)
        body: dict[str, Any] = {"query": query, "documents": texts}
        if self._model:
            body["model"] = self._model
        with open_client(self._services, where, self._preset, self._model) as client:
            answer = client.post("/rerank", cast_to=httpx2.Response, body=body)
            check_type(answer, server, "json", "the answer holds no scores")
            found = answer.json()
            return checked_scores(found.get("results") if isinstance(found, dict) else None, len(texts), server)
