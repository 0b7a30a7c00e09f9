"""Embedder `cohere`: embedding models that know queries from documents, in batches, with every answer checked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from opsvi_cli.sdk import Connection, Services, UsageError, Vectors, checked_vectors, embed_in_batches

from .client import cohere_connection, document, open_client

if TYPE_CHECKING:
    from opsvi_cli.sdk import Server

_DEFAULT_MODEL = "embed-v4.0"
_BATCH = 96
"""The most texts of a request that the API takes."""
_KNOWN_DIMENSIONS = {
    "embed-v4.0": 1536,
    "embed-english-v3.0": 1024,
    "embed-multilingual-v3.0": 1024,
    "embed-english-light-v3.0": 384,
    "embed-multilingual-light-v3.0": 384,
}


class CohereEmbedder:
    """Settings `parts.cohere`: model, dimensions (asked of the server), fusion_weight; base_url, api_key, timeout."""

    remote = True

    def __init__(self, services: Services) -> None:
        self._services = services
        self._model = str(services.options.get("model") or _DEFAULT_MODEL)
        self._asked = _dimensions(services)
        weight = services.options.get("fusion_weight")
        self.fusion_weight = float(weight) if isinstance(weight, (int, float)) else 0.7

    @property
    def fingerprint(self) -> str:
        """The model, not the server: the same model behind two addresses gives the same vectors."""
        return f"cohere:{self._model}" + (f":{self._asked}" if self._asked else "")

    @cached_property
    def dimension(self) -> int:
        """Asked for, known, or found out with one short request."""
        return self._asked or _KNOWN_DIMENSIONS.get(self._model) or len(self._request(["dimension"], "document")[0])

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        """Raises ProviderError when a vector is missing, of another dimension, zero or not finite."""
        return embed_in_batches(
            texts,
            lambda batch: self._request(batch, kind),
            dimension=self.dimension,
            batch=_BATCH,
            server=self._server,
        )

    @cached_property
    def _where(self) -> Connection:
        return cohere_connection(self._services, "parts")

    @property
    def _server(self) -> Server:
        return self._where.server(self._model)

    def _request(self, texts: Sequence[str], kind: Literal["document", "query"]) -> Vectors:
        """Normalised vectors of non-empty texts, in their order."""
        server = self._server
        more: dict[str, Any] = {"output_dimension": self._asked} if self._asked else {}
        with open_client(self._services, self._where, server) as client:
            answer = client.with_raw_response.embed(
                model=self._model,
                texts=list(texts),
                input_type=f"search_{kind}",
                embedding_types=["float"],
                truncate="END",
                **more,
            )
            vectors = document(answer, server).get("embeddings")
            rows = vectors.get("float") if isinstance(vectors, dict) else None
            if not isinstance(rows, list):
                raise server.bad_response("the answer holds no vectors")
            return checked_vectors(rows, len(texts), server)


def _dimensions(services: Services) -> int | None:
    value = services.options.get("dimensions")
    # A value from the environment is text.
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 1):
        setting = f"parts.{services.name}.dimensions"
        raise UsageError(f"{setting}: {value!r} is not a positive number", hint=f"opsvi config set {setting} 1024")
    return number
