"""Embedder `gguf`: an embedding model in a GGUF file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from opsvi_cli.sdk import Services, Vectors

from .files import find_model
from .reader import Reader
from .servers import Running, running_server

if TYPE_CHECKING:
    from opsvi_cli.sdk import Embedder

_EDGE = 1_000_000


class GgufEmbedder:
    """Settings `parts.gguf`: model (a path, or a name of the folder `models`), query_prefix, document_prefix,
    fusion_weight, context, threads, gpu_layers, keep_alive, start_timeout."""

    def __init__(self, services: Services) -> None:
        self._services = services
        weight = services.options.get("fusion_weight")
        self.fusion_weight = float(weight) if isinstance(weight, (int, float)) else 0.7

    @cached_property
    def _path(self) -> Path:
        return find_model(self._services, str(self._services.options.get("model") or ""), "model")

    @cached_property
    def _server(self) -> Running:
        return running_server(self._services, self._path, "embedding")

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._services, self._server, self._path.name)

    @cached_property
    def _inner(self) -> Embedder:
        server = self._server
        kept = ("query_prefix", "document_prefix", "batch", "timeout")
        options: dict[str, Any] = {key: self._services.options[key] for key in kept if key in self._services.options}
        options |= {"preset": "llama-server", "base_url": server.url, "api_key": server.key, "model": "model"}
        embedder: Embedder = self._services.part("embedder", "openai", options)
        return embedder

    @cached_property
    def fingerprint(self) -> str:
        """Of the file's size, beginning and end, and of the prefixes: reading gigabytes for it would take too long."""
        digest = hashlib.sha256()
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            digest.update(f"{size}|".encode() + file.read(_EDGE))
            file.seek(max(0, size - _EDGE))
            digest.update(file.read(_EDGE))
        for name in ("query_prefix", "document_prefix"):
            digest.update(f"|{self._services.options.get(name) or ''}".encode())
        return f"gguf:{self._path.stem}:{digest.hexdigest()[:16]}"

    @property
    def dimension(self) -> int:
        return self._inner.dimension

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        """As the contract says; of a text that is too long for the model, its beginning. Raises ProviderError."""
        return self._inner.embed([self._reader.beginning(text) for text in texts], kind)
