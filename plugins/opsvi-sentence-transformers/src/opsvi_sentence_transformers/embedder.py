"""The embedder. PyTorch is imported when the first text is embedded, or the dimension is asked for.

Models: Reimers and Gurevych, "Sentence-BERT", EMNLP 2019 (https://arxiv.org/abs/1908.10084).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from opsvi_cli.sdk import Services, Vectors

from .weights import Weights, batch_size

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_EDGE = 65_536
"""Bytes at both ends of a large file that the fingerprint reads."""


class SentenceTransformersEmbedder:
    """`Embedder` of opsvi. Options: `model` (needed), `revision`, `device`, `batch_size`.

    Raises UsageError when no model is named, NotFoundError for a folder that is not there.
    """

    fusion_weight = 0.5
    """Equal trust in these vectors and in BM25."""

    def __init__(self, services: Services) -> None:
        self._weights = Weights(services, "model", "revision")
        self._batch_size = batch_size(services)

    @cached_property
    def fingerprint(self) -> str:
        """Of a folder, its files; of a name, the name and revision."""
        weights = self._weights
        if weights.folder is None:
            return f"sentence-transformers:{weights.name}@{weights.revision or 'main'}"
        return f"sentence-transformers:{_digest(weights.folder)}"

    @cached_property
    def dimension(self) -> int:
        return int(self._model.encode(["x"], show_progress_bar=False).shape[1])

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        """float32, shape (len(texts), dimension), rows L2-normalised; a blank text gets zeros.

        The model's own prompts for queries and documents are used where it has some.
        """
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        encode = self._model.encode_query if kind == "query" else self._model.encode_document
        made = encode(
            list(texts),
            batch_size=self._batch_size,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        vectors = np.array(made, dtype=np.float32)
        vectors[[not text.strip() for text in texts]] = 0.0
        return vectors

    @cached_property
    def _model(self) -> SentenceTransformer:
        loaded: SentenceTransformer = self._weights.load("SentenceTransformer")
        return loaded


def _digest(folder: Path) -> str:
    """Sixteen hex digits over the names, sizes and content of a model's files.

    Of large files both ends are read: weights in safetensors begin with a table of their tensors, and a model trained
    anew differs everywhere.
    """
    sha = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and _counts(p.relative_to(folder))):
        size = path.stat().st_size
        sha.update(f"{path.relative_to(folder).as_posix()}\0{size}\0".encode())
        with path.open("rb") as file:
            sha.update(file.read(_EDGE))
            if size > _EDGE:
                file.seek(-_EDGE, os.SEEK_END)
                sha.update(file.read(_EDGE))
    return sha.hexdigest()[:16]


def _counts(path: Path) -> bool:
    """Notes and hidden files change nothing about the vectors."""
    return not any(part.startswith(".") for part in path.parts) and path.suffix != ".md"
