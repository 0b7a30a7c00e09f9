"""Gemini models of Google as a provider and an embedder of opsvi."""
