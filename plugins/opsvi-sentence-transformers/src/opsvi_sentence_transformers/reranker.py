"""The reranker: a cross-encoder, which reads query and passage together.

Nogueira and Cho, "Passage Re-ranking with BERT", 2019 (https://arxiv.org/abs/1901.04085).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from opsvi_cli.sdk import Hit, PluginError, Services

from .weights import Weights, batch_size

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder


class SentenceTransformersReranker:
    """`Reranker` of opsvi. Options: `rerank_model` (needed), `rerank_revision`, `device`, `batch_size`.

    Raises UsageError when no model is named, NotFoundError for a folder that is not there.
    """

    def __init__(self, services: Services) -> None:
        self._weights = Weights(services, "rerank_model", "rerank_revision")
        self._batch_size = batch_size(services)

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        """Scores as the model gives them, from 0 to 1 for most; what is too long for the model is cut.

        Raises NetworkError, PluginError when the model cannot be had.
        """
        if not hits:
            return []
        pairs = [(_whole(query), _whole(hit.text)) for hit in hits]
        scores = self._model.predict(pairs, batch_size=self._batch_size, show_progress_bar=False)
        return [float(score) for score in scores]

    @cached_property
    def _model(self) -> CrossEncoder:
        loaded: CrossEncoder = self._weights.load("CrossEncoder")
        if loaded.num_labels != 1:
            raise PluginError(
                f"{self._weights.name} gives {loaded.num_labels} numbers for a passage; a reranker gives one",
                hint="use a model made for ranking, e.g. cross-encoder/ms-marco-MiniLM-L6-v2",
            )
        return loaded


def _whole(text: str) -> str:
    """The tokenizer takes no half surrogate pair."""
    return text.encode("utf-8", "replace").decode()
