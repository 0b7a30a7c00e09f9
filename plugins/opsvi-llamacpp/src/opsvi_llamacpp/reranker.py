"""Reranker `gguf`: a model in a GGUF file that reads query and passage together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import Hit, Services

from .files import find_model
from .reader import Reader
from .servers import Running, running_server

if TYPE_CHECKING:
    from opsvi_cli.sdk import Reranker

_LONGEST = 1_000_000


class GgufReranker:
    """Settings `parts.gguf`: rerank_model (a path, or a name of the folder `models`), context, threads, gpu_layers,
    keep_alive, start_timeout."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @cached_property
    def _path(self) -> Path:
        return find_model(self._services, str(self._services.options.get("rerank_model") or ""), "rerank_model")

    @cached_property
    def _server(self) -> Running:
        return running_server(self._services, self._path, "reranking")

    @cached_property
    def _inner(self) -> Reranker:
        """llama.cpp has the endpoint: the built-in reranker does the protocol."""
        server = self._server
        options: dict[str, Any] = {"preset": "llama-server", "base_url": server.url, "api_key": server.key}
        options["rerank_characters"] = _LONGEST
        if timeout := self._services.options.get("timeout"):
            options["timeout"] = timeout
        reranker: Reranker = self._services.part("reranker", "llama-server", options)
        return reranker

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        """As the contract says; of a passage that is too long for the model, its beginning. Raises ProviderError."""
        if not hits or not query.strip():
            return [0.0] * len(hits)
        reader = Reader(self._services, self._server, self._path.name)
        query = reader.beginning(query, reader.most // 2)
        room = max(reader.most - len(query.encode("utf-8", "replace")), reader.most // 2)
        return self._inner.rerank(query, [replace(hit, text=reader.beginning(hit.text, room)) for hit in hits])
