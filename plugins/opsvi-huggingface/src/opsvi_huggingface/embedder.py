"""Embedder `huggingface`: feature extraction of Hugging Face, or a TEI server, with every answer checked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

from opsvi_cli.sdk import Server, Services, UsageError, Vectors, checked_vectors, embed_in_batches

from .client import Endpoint, endpoint, open_client

_DEFAULT_MODEL = "BAAI/bge-small-en-v1.5"
_BATCH = 32
"""What TEI takes at once."""


class HuggingFaceEmbedder:
    """Settings `parts.huggingface`: model, batch, query_prefix, document_prefix, fusion_weight; base_url (of a TEI
    server), dialect, api_key, timeout as for the provider."""

    remote = True

    def __init__(self, services: Services) -> None:
        self._services = services
        options = services.options
        self._model = str(options.get("model") or _DEFAULT_MODEL)
        batch = options.get("batch", _BATCH)
        if isinstance(batch, bool) or not isinstance(batch, int) or batch <= 0:
            raise UsageError(
                f"embedder {services.name}: batch {batch!r} is not a positive number",
                hint=f"opsvi config set parts.{services.name}.batch {_BATCH}",
            )
        self._batch = batch
        self._prefix = {
            "query": str(options.get("query_prefix") or ""),
            "document": str(options.get("document_prefix") or ""),
        }
        weight = options.get("fusion_weight")
        self.fusion_weight = float(weight) if isinstance(weight, (int, float)) else 0.6

    @cached_property
    def _at(self) -> Endpoint:
        return endpoint(self._services, "parts")

    @property
    def _server(self) -> Server:
        return self._at.where.server(self._model)

    @property
    def fingerprint(self) -> str:
        """The model, not the server: the same model behind two addresses gives the same vectors."""
        extra = f"{self._prefix['query']}|{self._prefix['document']}"
        return f"huggingface:{self._model}:{hashlib.sha256(extra.encode()).hexdigest()[:8]}"

    @cached_property
    def dimension(self) -> int:
        return int(self._request(["dimension"]).shape[1])

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        """Raises ProviderError when a vector is missing, of another dimension, zero or not finite."""
        return embed_in_batches(
            texts,
            self._request,
            dimension=self.dimension,
            batch=self._batch,
            server=self._server,
            prefix=self._prefix[kind],
        )

    def _request(self, texts: Sequence[str]) -> Vectors:
        server, base = self._server, self._at.where.base_url
        # Given as an address, the model is not looked up on the hub before.
        address = (
            f"{base}/embed" if self._at.own else f"{base}/hf-inference/models/{self._model}/pipeline/feature-extraction"
        )
        with open_client(self._services, self._at, server, model=address) as (client, call):
            inputs: Any = list(texts)
            answer: Any = call(lambda: client.feature_extraction(inputs, truncate=True))
            return checked_vectors(answer, len(texts), server)
