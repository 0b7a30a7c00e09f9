"""What this plugin brings."""

from __future__ import annotations

from opsvi_cli.sdk import Registry, hookimpl

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    """Name the command; its module is imported when it runs."""
    registry.command("twins", "opsvi_twins.command:app", help="Find passages that say the same")
