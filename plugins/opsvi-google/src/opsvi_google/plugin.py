"""Registers provider and embedder. Imports nothing but the plugin API: opsvi reads this module at every start."""

from __future__ import annotations

from opsvi_cli.sdk import Registry, hookimpl

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name the parts."""
    registry.provider("google", "opsvi_google.provider:Google", help="Gemini models of Google")
    registry.embedder("google", "opsvi_google.embedder:GoogleEmbedder", help="Gemini embedding models")
