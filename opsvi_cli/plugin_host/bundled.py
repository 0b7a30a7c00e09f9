"""Parts that plugins of opsvi bring, by the distribution to install: for hints, when one is asked for and not there."""

from __future__ import annotations

BUNDLED: dict[tuple[str, str], str] = {
    ("provider", "anthropic"): "opsvi-anthropic",
    ("provider", "cohere"): "opsvi-cohere",
    ("embedder", "cohere"): "opsvi-cohere",
    ("reranker", "cohere"): "opsvi-cohere",
    ("provider", "google"): "opsvi-google",
    ("embedder", "google"): "opsvi-google",
    ("provider", "huggingface"): "opsvi-huggingface",
    ("provider", "huggingface-local"): "opsvi-huggingface",
    ("embedder", "huggingface"): "opsvi-huggingface",
    ("reranker", "huggingface"): "opsvi-huggingface",
    ("provider", "gguf"): "opsvi-llamacpp",
    ("embedder", "gguf"): "opsvi-llamacpp",
    ("reranker", "gguf"): "opsvi-llamacpp",
    ("embedder", "sentence-transformers"): "opsvi-sentence-transformers",
    ("reranker", "sentence-transformers"): "opsvi-sentence-transformers",
}
"""Kind and name of a part to its distribution."""
