"""Loading plugins one by one: a plugin that fails is reported and leaves nothing behind."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pluggy

from opsvi_cli.errors import PluginError
from opsvi_cli.sdk import API, Part, Registry

from .discovery import Candidate
from .guard import describe, passes_through, quiet_stdout
from .reports import PluginReport

if TYPE_CHECKING:
    from .isolation.environment import IsolatedPlugin

SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A plugin module that was imported: what it states, and what is odd about it."""

    plugin: Any
    api: str
    seconds: float
    warning: str


def load_all(
    candidates: Sequence[Candidate], manager: pluggy.PluginManager, registry: Registry, *, disabled: Collection[str]
) -> list[PluginReport]:
    """Import and register each candidate under its own guard. Raises nothing but what ends the run."""
    return [_load(candidate, manager, registry, disabled) for candidate in candidates]


def _load(
    candidate: Candidate, manager: pluggy.PluginManager, registry: Registry, disabled: Collection[str]
) -> PluginReport:
    report = PluginReport(
        candidate.name, candidate.origin, candidate.distribution, candidate.version, candidate.target, "ok"
    )
    if candidate.name in disabled or candidate.distribution in disabled:
        return replace(report, status="disabled")
    if candidate.error:
        return replace(report, status="broken", error=candidate.error)
    if candidate.isolated is not None:
        return _load_isolated(candidate, candidate.isolated, report, manager, registry)
    started = time.perf_counter()
    loaded: _Loaded | None = None
    try:
        loaded = _import(candidate, started)
        if (other := manager.get_name(loaded.plugin)) is not None:
            return replace(report, status="warning", error=f"the same module as plugin {other!r}; loaded once")
        _register(candidate, loaded.plugin, manager, registry)
    except BaseException as error:
        if passes_through(error):
            raise
        lost = _forget(candidate, loaded, manager, registry)
        return replace(
            report,
            status="broken",
            error=_one_line(error),
            lost=lost,
            api=loaded.api if loaded else "",
            seconds=time.perf_counter() - started,
        )
    hooks, unknown = _hooks(loaded.plugin, manager)
    warnings = [loaded.warning, unknown, "" if hooks else "it implements no hook"]
    text = "; ".join(warning for warning in warnings if warning)
    return replace(
        report,
        status="warning" if text else "ok",
        error=text or None,
        api=loaded.api,
        seconds=loaded.seconds,
        parts=tuple(part for part in registry.parts() if part.plugin == candidate.name),
        hooks=hooks,
    )


def _load_isolated(
    candidate: Candidate,
    plugin: IsolatedPlugin,
    report: PluginReport,
    manager: pluggy.PluginManager,
    registry: Registry,
) -> PluginReport:
    """Register the parts that were written down when the plugin was installed; nothing is started."""
    try:
        api, warning = check_api(plugin.apis[candidate.name])
        if manager.has_plugin(candidate.name) or any(part.plugin == candidate.name for part in registry.parts()):
            raise PluginError(f"the name {candidate.name!r} is taken by another plugin")
    except PluginError as error:
        return replace(report, status="broken", error=error.message)
    registry.plugin = candidate.name
    try:
        for part in plugin.parts:
            if part.plugin == candidate.name:
                registry.add(part.kind, part.name, part.target, help=part.help, data=part.data)
    except PluginError as error:
        registry.drop_plugin(candidate.name)
        return replace(report, status="broken", error=error.message, api=api)
    return replace(
        report,
        status="warning" if warning else "ok",
        error=warning or None,
        api=api,
        parts=tuple(part for part in registry.parts() if part.plugin == candidate.name),
        hooks=("opsvi_register",),
        python=plugin.python,
    )


def _one_line(error: BaseException) -> str:
    if isinstance(error, pluggy.PluginValidationError):
        return " ".join(str(error).split())
    # Errors of the registry and of this module are already written for people.
    return error.message if isinstance(error, PluginError) else describe(error)


def _import(candidate: Candidate, started: float) -> _Loaded:
    with quiet_stdout():
        plugin = _resolve(candidate)
    seconds = time.perf_counter() - started
    api, warning = check_api(getattr(plugin, "OPSVI_API", None))
    if seconds > SLOW_SECONDS:
        slow = f"its import took {seconds:.1f} s: a plugin module must import nothing heavy"
        warning = f"{warning}; {slow}" if warning else slow
    return _Loaded(plugin, api, seconds, warning)


def _resolve(candidate: Candidate) -> Any:
    if candidate.origin != "distribution" and (candidate.target.endswith(".py") or os.sep in candidate.target):
        return _module_at(candidate.target, "OPSVI_PLUGINS" if candidate.origin == "environment" else "plugins.load")
    module, _, attribute = candidate.target.split("[")[0].strip().partition(":")
    found = import_module(module.strip())
    for name in attribute.strip().split(".") if attribute else ():
        found = getattr(found, name)
    return found


def _module_at(path: str, named_by: str) -> Any:
    """Import a file or package by its path; the folder of its outermost package goes to the end of the module path."""
    folder, name = os.path.split(os.path.abspath(path))
    stem = name.removesuffix(".py")
    if not os.path.exists(os.path.join(folder, name)):
        raise PluginError(f"{named_by}: there is no {path}")
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        stem = f"{package}.{stem}"
    if folder not in sys.path:
        sys.path.append(folder)
    module = import_module(stem)
    if os.path.commonpath([folder, os.path.abspath(module.__file__ or os.sep)]) != folder:
        raise PluginError(f"{named_by}: {path}: another module is called {stem!r}: rename the file")
    return module


def check_api(stated: object) -> tuple[str, str]:
    """(the version stated, a warning). Raises PluginError for another major version."""
    here = f"{API[0]}.{API[1]}"
    if stated is None:
        return "", f'it states no OPSVI_API; taken as "{here}"'
    match = re.fullmatch(r"(\d+)\.(\d+)", stated) if isinstance(stated, str) else None
    if match is None:
        raise PluginError(f'OPSVI_API is {stated!r}, not of the form "{here}"')
    major, minor = int(match[1]), int(match[2])
    if major != API[0]:
        cure = "upgrade opsvi" if major > API[0] else "upgrade the plugin"
        raise PluginError(f"it was written for plugin API {major}.{minor}, this opsvi has {here}: {cure}")
    if minor > API[1]:
        return str(stated), f"it was written for plugin API {stated}, this opsvi has {here}: some of it may not work"
    return str(stated), ""


def _register(candidate: Candidate, plugin: Any, manager: pluggy.PluginManager, registry: Registry) -> None:
    if manager.has_plugin(candidate.name):
        raise PluginError(f"the name {candidate.name!r} is taken by another plugin")
    registry.plugin = candidate.name
    with quiet_stdout():
        name = manager.register(plugin, name=candidate.name)  # calls its opsvi_register
    for caller in manager.get_hookcallers(plugin) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin is plugin and (implementation.hookwrapper or implementation.wrapper):
                raise PluginError(f"{caller.name} is a hook wrapper: opsvi calls plain hooks only")
    _check_commands(name or candidate.name, registry)


def _check_commands(plugin: str, registry: Registry) -> None:
    from opsvi_cli.command_table import COMMANDS

    for part in registry.parts("command"):
        if part.plugin == plugin and part.name in COMMANDS:
            raise PluginError(f"{plugin}: command {part.name!r} is already registered by opsvi")


def _forget(
    candidate: Candidate, loaded: _Loaded | None, manager: pluggy.PluginManager, registry: Registry
) -> tuple[Part, ...]:
    """Take out what a broken plugin had registered; returns those parts."""
    if loaded is None or manager.get_name(loaded.plugin) != candidate.name:
        return ()  # it never got as far, or the name is that of another plugin
    lost = tuple(part for part in registry.parts() if part.plugin == candidate.name)
    registry.drop_plugin(candidate.name)
    manager.unregister(loaded.plugin)
    return lost


def _hooks(plugin: Any, manager: pluggy.PluginManager) -> tuple[tuple[str, ...], str]:
    """(the hooks a plugin implements, a warning that names those opsvi does not have)."""
    known: list[str] = []
    unknown: list[str] = []
    for caller in manager.get_hookcallers(plugin) or ():
        if caller.has_spec():
            known.append(caller.name)
        elif not all(impl.optionalhook for impl in caller.get_hookimpls() if impl.plugin is plugin):
            unknown.append(caller.name)
    warning = f"opsvi has no hook called {', '.join(sorted(unknown))}" if unknown else ""
    return tuple(sorted(known)), warning
