"""Cohere's models as provider, embedder and reranker of opsvi."""
