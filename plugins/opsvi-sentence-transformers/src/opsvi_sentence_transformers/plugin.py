"""Registers the parts. Imports nothing but the plugin API: opsvi reads this module at every start."""

from __future__ import annotations

from opsvi_cli.sdk import Registry, hookimpl

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name embedder and reranker."""
    registry.embedder(
        "sentence-transformers",
        "opsvi_sentence_transformers.embedder:SentenceTransformersEmbedder",
        help="Any sentence-transformers model: a folder or a name",
    )
    registry.reranker(
        "sentence-transformers",
        "opsvi_sentence_transformers.reranker:SentenceTransformersReranker",
        help="Any cross-encoder: a folder or a name",
    )
