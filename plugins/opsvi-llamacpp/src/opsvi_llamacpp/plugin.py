"""Registers the parts. Imports nothing but the plugin API: opsvi reads this module at every start."""

from __future__ import annotations

from opsvi_cli.sdk import Registry, hookimpl

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name the parts."""
    registry.provider("gguf", "opsvi_llamacpp.provider:Gguf", help="GGUF files, run by llama.cpp on this machine")
    registry.embedder("gguf", "opsvi_llamacpp.embedder:GgufEmbedder", help="Embedding models in GGUF files")
    registry.reranker("gguf", "opsvi_llamacpp.reranker:GgufReranker", help="Rerankers in GGUF files")
