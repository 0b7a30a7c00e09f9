"""The plugins of one run: which there are, the parts they bring, and their hooks, called safely.

Built-in parts are registered first, through the same manager and hook as everyone else's, and keep their names; so a
part that is built in is found without looking for plugins at all. The others are looked for once, when a name is not
known yet, a hook is called or a list is asked for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

from opsvi_cli.errors import OpsviError, PluginError, UsageError
from opsvi_cli.sdk import (
    Chunk,
    Document,
    Event,
    HealthCheck,
    Hit,
    Hooks,
    Kind,
    Message,
    Part,
    Registry,
    Source,
)

from .bundled import BUNDLED
from .calls import HookCalls, WrongResultError, list_of, nothing
from .guard import describe, passes_through, quiet_stdout
from .reports import PluginReport

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .isolation.children import Children

BUILT_IN = "opsvi"


class Plugins:
    """`registry` holds the parts of every plugin that works; `reports` says what became of each plugin.

    The methods named after hooks (`documents`, `chunks`, `hits`, `prompt`, `select_processor`, `event`, `health`)
    call them in every plugin. They never raise what a plugin raised.
    """

    def __init__(
        self,
        discover: Callable[[pluggy.PluginManager, Registry], list[PluginReport]],
        *,
        warn: Callable[[str], None],
        strict: bool = False,
        children: Callable[[], Children],
        missing: Callable[[], list[PluginReport]] = list,
    ) -> None:
        """`children` makes the keeper of the processes of isolated plugins, when one is used.

        `missing` finds the plugins that were installed by command and are gone.
        """
        self._registry = Registry()
        self._manager = pluggy.PluginManager("opsvi")
        self._manager.add_hookspecs(Hooks)
        self._manager.hook.opsvi_register.call_historic(kwargs={"registry": self._registry})
        self._discover = discover
        self._warn = warn
        self._strict = strict
        self._make_children = children
        self._find_missing = missing
        self._children: Children | None = None
        self._calls = HookCalls(self._manager, warn)
        self._reports: list[PluginReport] | None = None
        self._warned = False
        self._lock = threading.RLock()
        self._register_built_in()

    def _register_built_in(self) -> None:
        from opsvi_cli.builtin import plugin

        self._registry.plugin = BUILT_IN
        self._manager.register(plugin, name=BUILT_IN)

    # What there is

    @property
    def registry(self) -> Registry:
        """Every part there is. Raises PluginError for a broken plugin only when OPSVI_STRICT_PLUGINS is set."""
        self._ready()
        return self._registry

    def reports(self) -> list[PluginReport]:
        """Every plugin, the built-in one first, then by name. Never raises and never warns."""
        with self._lock:
            if self._reports is None:
                self._reports = self._discover(self._manager, self._registry)
            return [self._built_in_report(), *sorted(self._reports, key=lambda report: report.name)]

    def missing(self) -> list[PluginReport]:
        """Plugins that were installed by command and are gone, by name: an upgrade of opsvi can lose them."""
        return self._find_missing()

    def broken(self) -> list[PluginReport]:
        return [report for report in self.reports() if report.status == "broken"]

    def check_strict(self) -> None:
        """Raise PluginError when OPSVI_STRICT_PLUGINS is set and a plugin is broken."""
        broken = self.broken() if self._strict else []
        if broken:
            listed = "; ".join(f"{report.name}: {report.error}" for report in broken)
            raise PluginError(f"broken plugins: {listed}", hint="unset OPSVI_STRICT_PLUGINS, or remove the plugin")

    def _ready(self) -> None:
        """Look for plugins once; say on stderr, once a run, which are broken."""
        with self._lock:
            self.reports()
            self.check_strict()
            if not self._warned:
                self._warned = True
                for report in self.broken():
                    self._warn(f"plugin {report.name!r} is broken and left out: {report.error}")

    def _built_in_report(self) -> PluginReport:
        from opsvi_cli import __version__
        from opsvi_cli.builtin.plugin import OPSVI_API

        return PluginReport(
            name=BUILT_IN,
            origin="built-in",
            distribution=BUILT_IN,
            version=__version__,
            target="opsvi_cli.builtin.plugin",
            status="ok",
            api=OPSVI_API,
            parts=tuple(part for part in self._registry.parts() if part.plugin == BUILT_IN),
            hooks=("opsvi_register",),
        )

    # Parts

    def load(self, kind: Kind, name: str) -> Any:
        """Import the part called `name`: the class, function or Typer app that its plugin registered.

        Raises UsageError for a name that nobody registered, PluginError when the plugin it belongs to is broken.
        """
        part = self._registry.find(kind, name)
        if part is None or self._strict:
            self._ready()
            part = self._registry.find(kind, name)
        if part is None:
            raise self._unknown(kind, name)
        try:
            return self._isolated(part) or _import_part(part)
        except BaseException as error:
            if passes_through(error):
                raise
            raise PluginError(
                f"{kind} {name!r} of plugin {part.plugin!r} cannot be loaded: {describe(error)}",
                hint=f"opsvi plugins info {part.plugin}",
            ) from error

    def _isolated(self, part: Part) -> Any:
        """What stands for a part that lives in another process; None for one that lives in this one."""
        for report in self._reports or ():
            if report.python is not None and part in report.parts:
                with self._lock:
                    self._children = self._children or self._make_children()
                return self._children.part(report.distribution, report.python, part)
        return None

    def close(self) -> None:
        """End the processes of isolated plugins."""
        if self._children is not None:
            self._children.close()

    def _unknown(self, kind: Kind, name: str) -> OpsviError:
        """The error for a part that nobody has: of a broken plugin when it seems to be that one's."""
        from difflib import get_close_matches

        broken = self.broken()
        wanted = name.lower().replace("_", "-")
        for report in broken:
            lost = any((part.kind, part.name) == (kind, name) for part in report.lost)
            if lost or wanted in report.words:
                return PluginError(
                    f"{kind} {name!r}: plugin {report.name!r} is broken: {report.error}",
                    hint=f"opsvi plugins info {report.name}",
                )
        message = f"there is no {kind} {name!r}"
        if broken:
            message += f"; broken plugins: {', '.join(report.name for report in broken)}"
        known = [part.name for part in self._registry.parts(kind)]
        if kind == "command":
            from opsvi_cli.command_table import COMMANDS

            known = [*COMMANDS, *known]
        near = get_close_matches(name, known, n=2)
        if (kind, name) in BUNDLED:
            hint = f"opsvi plugins install {BUNDLED[kind, name]}"
        elif near:
            hint = f"Did you mean {' or '.join(repr(word) for word in near)}?"
        elif kind == "command":
            hint = "`opsvi --help` lists the commands"
        else:
            hint = f"there are: {', '.join(known) or 'none'}; `opsvi plugins list`"
        return UsageError(message, hint=hint)

    # Hooks

    def documents(self, documents: Sequence[Document], source: Source) -> list[Document]:
        """Documents after every plugin's `opsvi_documents`, one after the other."""
        self._ready()
        arguments: dict[str, Any] = {"documents": list(documents), "source": source}
        self._calls.chain("opsvi_documents", "documents", arguments, list_of(Document))
        return list(arguments["documents"])

    def chunks(self, chunks: Sequence[Chunk], document: Document) -> list[Chunk]:
        """Chunks after every plugin's `opsvi_chunks`; a plugin whose chunks are not the document's is passed over."""

        def check(result: Any) -> list[Chunk] | None:
            checked = list_of(Chunk)(result)
            for chunk in checked or ():
                if chunk.text != document.text[chunk.start : chunk.end]:
                    raise WrongResultError(f"chunk {chunk.id}: its text is not the document's at {chunk.start}")
            return checked

        self._ready()
        arguments: dict[str, Any] = {"chunks": list(chunks), "document": document}
        self._calls.chain("opsvi_chunks", "chunks", arguments, check)
        return list(arguments["chunks"])

    def hits(self, query: str, hits: Sequence[Hit]) -> list[Hit]:
        """Hits after every plugin's `opsvi_hits`, one after the other."""
        self._ready()
        arguments: dict[str, Any] = {"query": query, "hits": list(hits)}
        self._calls.chain("opsvi_hits", "hits", arguments, list_of(Hit))
        return list(arguments["hits"])

    def prompt(self, messages: Sequence[Message], model: str) -> list[Message]:
        """Messages after every plugin's `opsvi_prompt`, one after the other."""
        self._ready()
        arguments: dict[str, Any] = {"messages": list(messages), "model": model}
        self._calls.chain("opsvi_prompt", "messages", arguments, list_of(Message))
        return list(arguments["messages"])

    def select_processor(self, source: Source, media_type: str) -> str | None:
        """The first plugin's choice of a processor; None when no plugin has one."""

        def check(result: Any) -> str | None:
            if result is None:
                return None
            if not isinstance(result, str) or self._registry.find("processor", result) is None:
                raise WrongResultError(f"chose {result!r}, which is no processor")
            return result

        self._ready()
        arguments: dict[str, object] = {"source": source, "media_type": media_type}
        for _plugin, name in self._calls.each("opsvi_select_processor", arguments, check):
            return name
        return None

    def event(self, event: Event) -> None:
        """Tell every plugin what happened."""
        self._ready()
        for _ in self._calls.each("opsvi_event", {"event": event}, nothing):
            pass

    def health(self) -> list[HealthCheck]:
        """The checks of every plugin, in the order of their calls."""
        self._ready()
        found: list[HealthCheck] = []
        for _plugin, checks in self._calls.each("opsvi_health", {}, list_of(HealthCheck)):
            found.extend(checks)
        return found


def _import_part(part: Part) -> Any:
    module, _, attribute = part.target.partition(":")
    if part.plugin == BUILT_IN:
        return getattr(import_module(module), attribute)
    with quiet_stdout():
        return getattr(import_module(module), attribute)


def _register_presets(app: AppContext, registry: Registry) -> None:
    """Servers that the user named: `providers.mybox.preset = "vllm"` makes the provider mybox.

    `parts.mybox.preset` makes the embedder and the reranker mybox. A name that a plugin has taken stays the plugin's.
    """
    from opsvi_cli.builtin.plugin import PRESET_TARGETS

    registry.plugin = BUILT_IN
    for kind, target in PRESET_TARGETS.items():
        tables = app.settings.providers if kind == "provider" else app.settings.parts
        for name, options in tables.items():
            if (preset := options.get("preset")) and registry.find(kind, name) is None:
                registry.add(kind, name, target, help=f"A server of yours, as {preset}")


def load_plugins(app: AppContext) -> Plugins:
    """The plugins of this run, as the environment and the settings allow them."""
    from .discovery import truthy

    def discover(manager: pluggy.PluginManager, registry: Registry) -> list[PluginReport]:
        from .loading import load_all
        from .named import candidates_of

        reports = []
        if not truthy(app.env, "OPSVI_NO_PLUGINS"):
            reports = load_all(candidates_of(app), manager, registry, disabled=app.settings.plugins.disabled)
        _register_presets(app, registry)
        return reports

    def warn(text: str) -> None:
        if not app.options.quiet:
            app.log.warning("%s", text)

    def children() -> Children:
        from .isolation.children import Children

        return Children(app)

    def missing() -> list[PluginReport]:
        from .listing import missing_reports

        return missing_reports(app.paths)

    strict = truthy(app.env, "OPSVI_STRICT_PLUGINS")
    return Plugins(discover, warn=warn, strict=strict, children=children, missing=missing)
