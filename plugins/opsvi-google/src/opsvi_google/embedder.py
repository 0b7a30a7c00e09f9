"""Embedder `google`: Gemini embedding models, in batches, with every answer checked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from opsvi_cli.sdk import Connection, Server, Services, UsageError, Vectors, checked_vectors, embed_in_batches

from .client import google_connection, open_client

if TYPE_CHECKING:
    from google.genai import Client

_DEFAULT_MODEL = "gemini-embedding-001"
_KNOWN_DIMENSIONS = {"gemini-embedding-001": 3072, "text-embedding-004": 768}
_BATCH = 100
_TASKS = {"query": "RETRIEVAL_QUERY", "document": "RETRIEVAL_DOCUMENT"}
# These read the task in the text itself, and refuse or ignore a task type.
_WITHOUT_TASKS = ("gemini-embedding-2",)


class GoogleEmbedder:
    """Settings `parts.google`: model, dimensions (asked of the server), batch, query_prefix, document_prefix,
    fusion_weight; base_url, api_key, timeout as for the provider."""

    remote = True

    def __init__(self, services: Services) -> None:
        self._services = services
        options = services.options
        self._model = str(options.get("model") or _DEFAULT_MODEL).removeprefix("models/")
        self._asked = self._positive("dimensions", 0)
        self._batch = self._positive("batch", _BATCH)
        self._prefix = {
            "query": str(options.get("query_prefix") or ""),
            "document": str(options.get("document_prefix") or ""),
        }
        weight = options.get("fusion_weight")
        self.fusion_weight = float(weight) if isinstance(weight, (int, float)) else 0.7

    @cached_property
    def _where(self) -> Connection:
        return google_connection(self._services, "parts")

    @property
    def _server(self) -> Server:
        return self._where.server(self._model)

    @property
    def fingerprint(self) -> str:
        """The model, not the server: the same model behind two addresses gives the same vectors."""
        extra = f"{self._asked}|{self._prefix['query']}|{self._prefix['document']}"
        return f"google:{self._model}:{hashlib.sha256(extra.encode()).hexdigest()[:8]}"

    @cached_property
    def dimension(self) -> int:
        """Asked for, known, or found out with one short request."""
        known = self._asked or _KNOWN_DIMENSIONS.get(self._model)
        if known:
            return known
        with open_client(self._services, self._where, self._server) as client:
            return int(self._request(client, ["dimension"], "document").shape[1])

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        """Raises ProviderError when a vector is missing, of another dimension, zero or not finite."""
        with open_client(self._services, self._where, self._server) as client:
            return embed_in_batches(
                texts,
                lambda batch: self._request(client, batch, kind),
                dimension=self.dimension,
                batch=self._batch,
                server=self._server,
                prefix=self._prefix[kind],
            )

    def _request(self, client: Client, texts: Sequence[str], kind: Literal["document", "query"]) -> Vectors:
        config: dict[str, Any] = {}
        if not self._model.startswith(_WITHOUT_TASKS):
            config["task_type"] = _TASKS[kind]
        if self._asked:
            config["output_dimensionality"] = self._asked
        # One content for each text: plain strings would become one content for some models.
        asked: dict[str, Any] = {"contents": [{"parts": [{"text": text}]} for text in texts], "config": config or None}
        answer = client.models.embed_content(model=self._model, **asked)
        rows = [embedding.values or [] for embedding in answer.embeddings or []]
        return checked_vectors(rows, len(texts), self._server)

    def _positive(self, name: str, default: int) -> int:
        value = self._services.options.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise UsageError(
                f"embedder {self._services.name}: {name} {value!r} is not a positive number",
                hint=f"opsvi config set parts.{self._services.name}.{name} NUMBER",
            )
        return value
