"""The tools of one run: chosen by name, checked, asked for, bounded and written down at every call."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, PluginError, UsageError
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.llm.fencing import fenced
from opsvi_cli.sdk import JSON, Message, Tool, ToolCall, ToolResult, ToolSpec

from .arguments import parse_arguments
from .audit import AuditLog
from .consent import REFUSED, Consent
from .limits import TookTooLong, cut, within
from .mcp_client import PREFIX, configured, open_servers
from .permissions import Decision, decide

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .mcp_client import McpServer

OnCall = Callable[[ToolCall, ToolResult], None]
"""Told of each call and what came of it, for people."""
Extra = Mapping[str, Callable[["AppContext"], Tool]]
"""Tools of the rooms above, by name."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A tool under the name that people use (`mcp.files.read`); `spec` has the name that servers take.

    `server`: the MCP server it belongs to; empty for others.
    """

    name: str
    tool: Tool
    spec: ToolSpec
    builtin: bool
    server: str = ""

    @property
    def side_effects(self) -> bool:
        return bool(getattr(self.tool, "side_effects", True))

    @property
    def taints(self) -> bool:
        """Whether results may hold text of others; so unless the tool says otherwise."""
        return bool(getattr(self.tool, "taints", True))


class Toolbox:
    """What a model may call. Close it when done: it holds the connections to MCP servers."""

    def __init__(
        self, app: AppContext, entries: Iterable[Entry], servers: Sequence[McpServer], on_call: OnCall
    ) -> None:
        self._app = app
        self._entries = {entry.spec.name: entry for entry in entries}
        self._servers = servers
        self._on_call = on_call
        self._audit = AuditLog(app)
        self._consent = Consent(app)
        self.made: list[dict[str, JSON]] = []
        """Every call so far, for `--json`: name, arguments, result, is_error."""
        self.tainted = False
        """True once the model has read text of others; it stays so."""

    @property
    def specs(self) -> list[ToolSpec]:
        return [entry.spec for entry in self._entries.values()]

    @property
    def names(self) -> list[str]:
        return [entry.name for entry in self._entries.values()]

    def entries(self) -> list[Entry]:
        return list(self._entries.values())

    def close(self) -> None:
        for server in self._servers:
            server.close()

    def __enter__(self) -> Toolbox:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def decision(self, entry: Entry) -> Decision:
        """What the settings say about a tool now."""
        return decide(
            entry.name,
            self._app.settings.tools,
            side_effects=entry.side_effects,
            builtin=entry.builtin,
            tainted=self._tainted_for(entry),
        )

    def _tainted_for(self, entry: Entry) -> bool:
        """Whether somebody else may be behind a call: an MCP server also speaks by the descriptions of its tools."""
        return self.tainted or any(other.server not in ("", entry.server) for other in self._entries.values())

    def run(self, call: ToolCall) -> ToolResult:
        """Check, decide, ask, run, write down. What goes wrong is a result that the model reads, never an exception.

        Raises StoreError when the call cannot be written down, DeadlineError at the end of the run's time.
        """
        return self._run(call)[0]

    def answer(self, call: ToolCall) -> Message:
        """The same as the message that a model reads: what a tool of others gave stands in a fence."""
        result, foreign = self._run(call)
        name = self._entries[call.name].name if foreign else ""
        text = fenced(result.text, f"result of {name}") if foreign else result.text
        return Message("tool", text, tool_call_id=call.id)

    def _run(self, call: ToolCall) -> tuple[ToolResult, bool]:
        """(result, whether it may hold text of others)."""
        entry = self._entries.get(call.name)
        name = entry.name if entry is not None else plain(call.name)[:64]
        foreign = False
        try:
            if entry is None:
                raise UsageError(f"there is no tool {name!r}; there are: {', '.join(self._entries)}")
            arguments = self._arguments(entry, call)
        except (UsageError, TookTooLong) as error:
            self._audit.record("refused", name, call.arguments, reason=error.message)
            result = ToolResult(call.id, f"error: {error.message}", is_error=True)
        else:
            if refusal := self._refusal(entry, call, arguments):
                result = ToolResult(call.id, f"error: {refusal}", is_error=True)
            else:
                result, foreign = self._recorded(entry, call, arguments), entry.taints
        self.made.append(
            {"name": name, "arguments": call.arguments, "result": result.text, "is_error": result.is_error}
        )
        self._on_call(ToolCall(call.id, name, call.arguments), result)
        return result, foreign

    def _arguments(self, entry: Entry, call: ToolCall) -> dict[str, JSON]:
        seconds = self._app.settings.tools.timeout
        trusted = not entry.server
        return within(
            self._app,
            seconds,
            lambda: parse_arguments(call.arguments, entry.spec, trusted=trusted),
            f"the arguments of {entry.name}",
        )

    def _refusal(self, entry: Entry, call: ToolCall, arguments: Mapping[str, JSON]) -> str:
        """Why the call is not made; empty when it is. Either is on record before anything happens."""
        decision = self.decision(entry)
        tainted = self._tainted_for(entry)
        verdict, by = decision.verdict, "settings"
        if verdict == "ask":
            each_time = tainted and entry.side_effects
            verdict, by = self._consent.ask(entry.name, arguments, decision.reason, each_time=each_time)
        details = {"decision": verdict, "by": by, "reason": decision.reason, "tainted": tainted}
        self._audit.record("call" if verdict == "allow" else "refused", entry.name, call.arguments, **details)
        if verdict == "allow":
            return ""
        why = by if by == REFUSED else f"{by} ({decision.reason})"
        return f"the user does not allow {entry.name}: {why}"

    def _recorded(self, entry: Entry, call: ToolCall, arguments: dict[str, JSON]) -> ToolResult:
        began = time.monotonic()
        outcome = "interrupted"
        try:
            result = self._call(entry, call, arguments)
            outcome = "error" if result.is_error else "ok"
        finally:
            self.tainted = self.tainted or entry.taints
            seconds = round(time.monotonic() - began, 3)
            self._audit.record("result", entry.name, call.arguments, outcome=outcome, seconds=seconds)
        return result

    def _call(self, entry: Entry, call: ToolCall, arguments: dict[str, JSON]) -> ToolResult:
        app, settings = self._app, self._app.settings.tools

        def attempt() -> tuple[str, bool]:
            try:
                return _as_text(entry.tool.call(arguments)), False
            except OpsviError as error:
                return f"error: {error.message}", True
            except BaseException as error:  # noqa: BLE001  # a tool may raise anything; the model is told
                return f"error: {type(error).__name__}: {error}", True

        try:
            text, failed = within(app, settings.timeout, attempt, f"the tool {entry.name}")
        except TookTooLong as error:
            text, failed = f"error: {error.message}", True
        return ToolResult(call.id, cut(text, settings.max_output, app.redactor.redact), is_error=failed)


def _as_text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _no_note(_call: ToolCall, _result: ToolResult) -> None:
    return


def open_toolbox(
    app: AppContext, names: Sequence[str], *, on_call: OnCall = _no_note, extra: Extra | None = None
) -> Toolbox | None:
    """The tools that `names` (names or globs) mean; None when nothing is asked for. MCP servers are connected.

    `extra` holds tools of the rooms above, which win over parts of the same name. Raises UsageError for a name that
    no tool has, PluginError for a broken tool, NetworkError for an MCP server that cannot be reached.
    """
    if not names:
        return None
    own = {
        **{part.name: part.plugin for part in app.plugins.registry.parts("tool")},
        **dict.fromkeys(extra or (), "opsvi"),
    }
    entries: list[Entry] = []
    for name in sorted(own):
        if any(fnmatchcase(name, glob) for glob in names):
            tool = extra[name](app) if extra and name in extra else _part(app, name)
            entries.append(Entry(name, tool, _wire(tool.spec, name), builtin=own[name] == "opsvi"))
    servers = open_servers(app, _servers_of(app, names))
    try:
        for server in servers:
            entries.extend(
                Entry(tool.spec.name, tool, _wire(tool.spec, tool.spec.name), builtin=False, server=server.config.name)
                for tool in server.tools()
                if any(fnmatchcase(tool.spec.name, glob) for glob in names)
            )
        _check_found(names, [entry.name for entry in entries], sorted(own))
        return Toolbox(app, _distinct(entries), servers, on_call)
    except BaseException:
        for server in servers:
            server.close()
        raise


def _part(app: AppContext, name: str) -> Tool:
    options = {"root": app.settings.tools.root or app.cwd} if name == "read_file" else {}
    tool: Tool = app.part("tool", name, options)
    if not isinstance(getattr(tool, "spec", None), ToolSpec):
        raise PluginError(f"tool {name!r} has no `spec`", hint=f"opsvi plugins info {name}")
    return tool


def _servers_of(app: AppContext, names: Sequence[str]) -> list[str]:
    """The servers whose tools the globs may mean: one that nobody asked for is not started."""
    asked = [name.split(".")[1] for name in names if name.startswith(PREFIX) and name.count(".") >= 2]
    wide = any(name in ("*", "mcp.*") for name in names)
    return [c.name for c in configured(app) if c.enabled and (wide or any(fnmatchcase(c.name, glob) for glob in asked))]


def _check_found(names: Sequence[str], found: Sequence[str], own: Sequence[str]) -> None:
    for name in names:
        if not any(fnmatchcase(one, name) for one in found):
            raise UsageError(
                f"there is no tool {name!r}; there are: {', '.join(own)}", hint="`opsvi tools list` shows all of them"
            )


def _wire(spec: ToolSpec, name: str) -> ToolSpec:
    """The tool under its registered name. Servers of models take letters, digits, _ and - only, up to 64 of them."""
    return ToolSpec(re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64], spec.description, spec.parameters)


def _distinct(entries: Sequence[Entry]) -> list[Entry]:
    taken: dict[str, Entry] = {}
    for entry in entries:
        if entry.spec.name in taken:
            other = taken[entry.spec.name].name
            raise UsageError(
                f"the tools {entry.name!r} and {other!r} look the same to a model", hint="choose one of them"
            )
        taken[entry.spec.name] = entry
    return list(taken.values())
