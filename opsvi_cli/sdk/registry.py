"""Where plugins name their parts. Nothing is imported until a part is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from opsvi_cli.errors import PluginError

from .documents import JSON

Kind: TypeAlias = Literal[
    "provider",
    "embedder",
    "processor",
    "chunker",
    "store",
    "reranker",
    "agent_adapter",
    "tool",
    "template",
    "command",
    "secret_store",
    "cache",
    "executor",
    "exporter",
]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Part:
    """`target` is an import string, `package.module:Name`; `plugin` is who registered it."""

    kind: Kind
    name: str
    target: str
    help: str
    plugin: str
    data: Mapping[str, JSON] = field(default_factory=dict)
    """What can be known of the part without importing it, e.g. the media types of a processor."""


class Registry:
    """Parts by kind and name. Built by the plugin host; handed to `opsvi_register` as `registry`.

    The first to take a name keeps it: a second raises PluginError, and built-in parts come first.
    """

    def __init__(self) -> None:
        self._parts: dict[tuple[Kind, str], Part] = {}
        self.plugin = "opsvi"
        """Who is registering now; set by the plugin host."""

    def add(self, kind: Kind, name: str, target: str, *, help: str, data: Mapping[str, JSON] | None = None) -> None:
        if kind not in KINDS:
            raise PluginError(f"{self.plugin}: there is no kind of part called {kind!r}")
        if not isinstance(target, str):
            raise PluginError(f"{self.plugin}: {kind} {name!r}: name the part as text, 'package.module:Name'")
        module, colon, attribute = target.partition(":")
        if not (module and colon and attribute):
            raise PluginError(f"{self.plugin}: {kind} {name!r}: {target!r} is not of the form package.module:Name")
        if taken := self._parts.get((kind, name)):
            raise PluginError(f"{self.plugin}: {kind} {name!r} is already registered by {taken.plugin}")
        self._parts[kind, name] = Part(kind, name, target, help, self.plugin, data or {})

    def provider(self, name: str, target: str, *, help: str) -> None:
        """A family of models: `Provider`."""
        self.add("provider", name, target, help=help)

    def embedder(self, name: str, target: str, *, help: str) -> None:
        """Text to vectors: `Embedder`."""
        self.add("embedder", name, target, help=help)

    def processor(
        self, name: str, target: str, *, help: str, media_types: Sequence[str], suffixes: Sequence[str] = ()
    ) -> None:
        """Bytes to documents: `Processor`. The types and suffixes choose it, without importing it."""
        self.add("processor", name, target, help=help, data={"media_types": [*media_types], "suffixes": [*suffixes]})

    def chunker(self, name: str, target: str, *, help: str) -> None:
        """Document to passages: `Chunker`."""
        self.add("chunker", name, target, help=help)

    def store(self, name: str, target: str, *, help: str) -> None:
        """Where collections live: `StoreBackend`."""
        self.add("store", name, target, help=help)

    def reranker(self, name: str, target: str, *, help: str) -> None:
        """Hits in a better order: `Reranker`."""
        self.add("reranker", name, target, help=help)

    def tool(self, name: str, target: str, *, help: str) -> None:
        """A function that models may call: `Tool`."""
        self.add("tool", name, target, help=help)

    def agent_adapter(self, name: str, target: str, *, help: str) -> None:
        """A framework that runs agents: `AgentAdapter`."""
        self.add("agent_adapter", name, target, help=help)

    def secret_store(self, name: str, target: str, *, help: str) -> None:
        """Where `NAME:...` references are resolved: `SecretStore`."""
        self.add("secret_store", name, target, help=help)

    def template(self, name: str, target: str, *, help: str) -> None:
        """A template of `opsvi new-library`. `target` is `package:folder`: a folder of files, no code."""
        self.add("template", name, target, help=help)

    def command(self, name: str, target: str, *, help: str) -> None:
        """A command of the CLI: the target is a `typer.Typer`; `ctx.obj` of its functions is a `CommandContext`."""
        self.add("command", name, target, help=help)

    def parts(self, kind: Kind | None = None) -> list[Part]:
        """Ordered by kind and name."""
        found = [part for part in self._parts.values() if kind in (None, part.kind)]
        return sorted(found, key=lambda part: (KINDS.index(part.kind), part.name))

    def find(self, kind: Kind, name: str) -> Part | None:
        return self._parts.get((kind, name))

    def drop_plugin(self, plugin: str) -> None:
        """Forget everything that `plugin` registered."""
        self._parts = {key: part for key, part in self._parts.items() if part.plugin != plugin}
