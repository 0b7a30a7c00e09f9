"""Embedder `openai`: embedding models behind OpenAI's API, in batches, with every answer checked."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy

from opsvi_cli.sdk import Services, UsageError, Vectors

from .openai_client import Connection, connection, errors_translated, open_client
from .openai_errors import Server, bad_response

_DEFAULT_MODEL = "text-embedding-3-small"
_BATCH = 96
_KNOWN_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}


class OpenAIEmbedder:
    """Settings `parts.openai`: model, dimensions (asked of the server), batch, query_prefix, document_prefix,
    fusion_weight; base_url, api_key, organization, timeout as for the provider."""

    remote = True

    def __init__(self, services: Services) -> None:
        self._services = services
        options = services.options
        self._model = str(options.get("model") or _DEFAULT_MODEL)
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
        return connection(self._services)

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
        rows = numpy.zeros((len(texts), self.dimension), dtype=numpy.float32)
        # Servers refuse empty texts; their vector is zero by contract.
        wanted = [position for position, text in enumerate(texts) if text.strip()]
        for start in range(0, len(wanted), self._batch):
            positions = wanted[start : start + self._batch]
            batch = [self._prefix[kind] + texts[p].encode("utf-8", "replace").decode() for p in positions]
            vectors = self._request(batch)
            if vectors.shape[1] != self.dimension:
                raise bad_response(
                    self._server, f"vectors have {vectors.shape[1]} numbers where {self.dimension} were expected"
                )
            rows[positions] = vectors
        return rows

    @property
    def _server(self) -> Server:
        return self._where.server(self._model)

    def _request(self, texts: Sequence[str]) -> Vectors:
        """Normalised vectors of non-empty texts, in their order."""
        server = self._server
        body: dict[str, Any] = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        if self._asked:
            body["dimensions"] = self._asked
        with open_client(self._services, self._where) as client, errors_translated(server):
            answer = client.embeddings.with_raw_response.create(**body)
            content_type = answer.headers.get("content-type", "")
            if "json" not in content_type:
                raise bad_response(server, "the answer holds no vectors", content_type=content_type or "none")
            return _vectors(answer.http_response.json(), len(texts), server)


def _positive(services: Services, name: str, default: int | None) -> int | None:
    value = services.options.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise UsageError(f"embedder {services.name}: {name} {value!r} is not a positive number")
    return value


def _vectors(body: Any, count: int, server: Server) -> Vectors:
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list):
        raise bad_response(server, "the answer holds no vectors")
    if len(data) != count:
        raise bad_response(server, f"{len(data)} vectors came for {count} texts")
    by_index: dict[int, Any] = {}
    for position, entry in enumerate(data):
        index = entry.get("index", position) if isinstance(entry, dict) else None
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count or index in by_index:
            raise bad_response(server, "the vectors are not numbered 0, 1, 2, ...")
        by_index[index] = entry.get("embedding")
    try:
        rows = numpy.asarray([by_index[index] for index in range(count)], dtype=numpy.float64)
    except (TypeError, ValueError):
        raise bad_response(server, "the vectors are no lists of numbers, or differ in length") from None
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise bad_response(server, "the vectors are no lists of numbers, or differ in length")
    if not numpy.isfinite(rows).all():
        raise bad_response(server, "a vector holds a number that is not finite")
    norms = numpy.linalg.norm(rows, axis=1, keepdims=True)
    if (norms == 0).any() or not numpy.isfinite(norms).all():
        raise bad_response(server, "a vector is zero")
    vectors: Vectors = (rows / norms).astype(numpy.float32)
    return vectors
