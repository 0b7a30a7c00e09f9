"""Registers the parts. Imports nothing but the plugin API: opsvi reads this module at every start."""

from __future__ import annotations

from opsvi_cli.sdk import Registry, hookimpl

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name the parts."""
    registry.provider("cohere", "opsvi_cohere.provider:Cohere", help="Command models of Cohere")
    registry.embedder("cohere", "opsvi_cohere.embedder:CohereEmbedder", help="Embedding models of Cohere")
    registry.reranker("cohere", "opsvi_cohere.reranker:CohereReranker", help="Rerank models of Cohere")
