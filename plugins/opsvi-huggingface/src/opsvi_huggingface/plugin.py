"""Registers providers and embedder. Imports nothing but the plugin API: opsvi reads this module at every start."""

from __future__ import annotations

from opsvi_cli.sdk import Registry, hookimpl

OPSVI_API = "1.0"
_HERE = "opsvi_huggingface"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name the parts."""
    registry.provider(
        "huggingface", f"{_HERE}.provider:HuggingFace", help="Inference Providers of Hugging Face, or a TGI server"
    )
    registry.provider(
        "huggingface-local", f"{_HERE}.local:LocalTransformers", help="A model folder, run here by transformers"
    )
    registry.embedder(
        "huggingface", f"{_HERE}.embedder:HuggingFaceEmbedder", help="Embeddings of Hugging Face, or a TEI server"
    )
    registry.reranker("huggingface", f"{_HERE}.reranker:HuggingFaceReranker", help="A reranker on a TEI server")
