"""Loading plugins one by one: a plugin that fails is reported and leaves nothing behind."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import pluggy

from opsvi_cli.errors import PluginError
from opsvi_cli.sdk import API, Part, Registry

from .discovery import Candidate
from .guard import describe, passes_through, quiet_stdout
from .reports import PluginReport

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


def _one_line(error: BaseException) -> str:
    if isinstance(error, pluggy.PluginValidationError):
        return " ".join(str(error).split())
    # Errors of the registry and of this module are already written for people.
    return error.message if isinstance(error, PluginError) else describe(error)


def _import(candidate: Candidate, started: float) -> _Loaded:
    with quiet_stdout():
        plugin = _resolve(candidate)
    seconds = time.perf_counter() - started
    api, warning = _check_api(getattr(plugin, "OPSVI_API", None))
    if seconds > SLOW_SECONDS:
        slow = f"its import took {seconds:.1f} s: a plugin module must import nothing heavy"
        warning = f"{warning}; {slow}" if warning else slow
    return _Loaded(plugin, api, seconds, warning)


def _resolve(candidate: Candidate) -> Any:
    if candidate.origin == "environment" and (candidate.target.endswith(".py") or os.sep in candidate.target):
        return _module_at(candidate.target)
    module, _, attribute = candidate.target.split("[")[0].strip().partition(":")
    found = import_module(module.strip())
    for name in attribute.strip().split(".") if attribute else ():
        found = getattr(found, name)
    return found


def _module_at(path: str) -> Any:
    """Import a file or package by its path; its folder goes to the end of the module path, for its import strings."""
    folder, name = os.path.split(os.path.abspath(path))
    stem = name.removesuffix(".py")
    if not os.path.exists(os.path.join(folder, name)):
        raise PluginError(f"OPSVI_PLUGINS: there is no {path}")
    if folder not in sys.path:
        sys.path.append(folder)
    module = import_module(stem)
    if os.path.commonpath([folder, os.path.abspath(module.__file__ or os.sep)]) != folder:
        raise PluginError(f"OPSVI_PLUGINS: {path}: another module is called {stem!r}: rename the file")
    return module


def _check_api(stated: object) -> tuple[str, str]:
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
