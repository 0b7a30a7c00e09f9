"""Registers the provider. Imports nothing but the plugin API: opsvi reads this module at every start."""

from __future__ import annotations

from opsvi_cli.sdk import Registry, hookimpl

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name the provider."""
    registry.provider("anthropic", "opsvi_anthropic.provider:Anthropic", help="Claude models of Anthropic")
