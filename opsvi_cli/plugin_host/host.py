"""First version of the plugin host: built-in parts only."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import PluginError, UsageError
from opsvi_cli.sdk import Kind, Registry

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


class Plugins:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def load(self, kind: Kind, name: str) -> Any:
        part = self.registry.find(kind, name)
        if part is None:
            known = ", ".join(p.name for p in self.registry.parts(kind))
            raise UsageError(f"there is no {kind} {name!r}", hint=f"there are: {known}; `opsvi plugins list`")
        module, _, attribute = part.target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise PluginError(f"{kind} {name!r} of {part.plugin} cannot be loaded: {error}") from error


def load_plugins(app: AppContext) -> Plugins:
    from opsvi_cli.builtin.plugin import opsvi_register

    registry = Registry()
    opsvi_register(registry)
    return Plugins(registry)
