"""Sentence-transformers models as an embedder of opsvi."""
