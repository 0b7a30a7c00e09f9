"""Embedder `openai` and its presets: embedding models behind OpenAI's API, in batches, with every answer checked."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy

from opsvi_cli.sdk import Connection, Server, Services, UsageError, Vectors, checked_vectors, embed_in_batches

from .openai_client import check_type, open_client, openai_connection
from .openai_presets import Preset, preset_of

_BATCH = 96
_KNOWN_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}


class OpenAIEmbedder:
    """Settings `parts.NAME`: model, dimensions (asked of the server), batch, query_prefix, document_prefix,
    fusion_weight; base_url, api_key, organization, timeout, preset, base64 as for the provider."""

    remote = True

    def __init__(self, services: Services) -> None:
        self._services = services
        options = services.options
        self._preset: Preset = preset_of(services)
        self._model = str(options.get("model") or self._preset.embedding_model)
        if not self._model:
            raise UsageError(
                f"embedder {services.name}: no model is named",
                hint=f"opsvi config set parts.{services.name}.model MODEL",
            )
        self._asked = _positive(services, "dimensions", None)
        self._batch = _positive(services, "batch", _BATCH) or _BATCH
        self._prefix = {
            "query": str(options.get("query_prefix") or ""),
            "document": str(options.get("document_prefix") or ""),
        }
        weight = options.get("fusion_weight")
        self.fusion_weight = float(weight) if isinstance(weight, (int, float)) else 0.7

    @cached_property
    def _where(self) -> Connection:
        return openai_connection(self._services, self._preset, "parts")

    @property
    def free(self) -> bool:
        return self._preset.is_free(self._services.options)

    @property
    def fingerprint(self) -> str:
        """The model, not the server: the same model behind two addresses gives the same vectors."""
        extra = f"{self._asked}|{self._prefix['query']}|{self._prefix['document']}"
        return f"openai:{self._model}:{hashlib.sha256(extra.encode()).hexdigest()[:8]}"

    @cached_property
    def dimension(self) -> int:
        """Asked for, known, or found out with one short request."""
        if self._asked:
            return self._asked
        return _KNOWN_DIMENSIONS.get(self._model) or len(self._request(["dimension"])[0])

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

    @property
    def _server(self) -> Server:
        return self._where.server(self._model)

    def _request(self, texts: Sequence[str]) -> Vectors:
        """Normalised vectors of non-empty texts, in their order."""
        server = self._server
        body: dict[str, Any] = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        if self._preset.base64:
            body["encoding_format"] = "base64"
        if self._asked:
            body["dimensions"] = self._asked
        with open_client(self._services, self._where, self._preset, self._model) as client:
            answer = client.embeddings.with_raw_response.create(**body)
            check_type(answer, server, "json", "the answer holds no vectors")
            return _vectors(answer.http_response.json(), len(texts), server, packed=self._preset.base64)


def _positive(services: Services, name: str, default: int | None) -> int | None:
    value = services.options.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise UsageError(f"embedder {services.name}: {name} {value!r} is not a positive number")
    return value


def _vectors(body: Any, count: int, server: Server, *, packed: bool) -> Vectors:
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list):
        raise server.bad_response("the answer holds no vectors")
    if len(data) != count:
        raise server.bad_response(f"{len(data)} vectors came for {count} texts")
    by_index: dict[int, Any] = {}
    for position, entry in enumerate(data):
        index = entry.get("index", position) if isinstance(entry, dict) else None
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count or index in by_index:
            raise server.bad_response("the vectors are not numbered 0, 1, 2, ...")
        vector = entry.get("embedding")
        by_index[index] = _unpacked(vector, server) if packed and isinstance(vector, str) else vector
    return checked_vectors([by_index[index] for index in range(count)], count, server)


def _unpacked(vector: str, server: Server) -> Any:
    """The 32-bit numbers in base64, little end first."""
    try:
        return numpy.frombuffer(base64.b64decode(vector, validate=True), dtype="<f4")
    except (ValueError, binascii.Error):
        raise server.bad_response("a vector is no base64 of 32-bit numbers") from None
