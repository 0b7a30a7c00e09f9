"""Registers the embedder. Imports nothing but the plugin API: opsvi reads this module at every start."""

from __future__ import annotations

from opsvi_cli.sdk import Registry, hookimpl

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name the embedder."""
    registry.embedder(
        "sentence-transformers",
        "opsvi_sentence_transformers.embedder:SentenceTransformersEmbedder",
        help="Any sentence-transformers model: a folder or a name",
    )
