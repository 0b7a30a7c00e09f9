"""The built-in checks of `opsvi doctor`. Each runs on its own: one that fails is a finding, not the end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from opsvi_cli.errors import OpsviError
from opsvi_cli.sdk import HealthCheck

from .settings import tolerant_settings, untrusted_line

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_LITTLE_SPACE = 1_000_000_000
_NO_SPACE = 100_000_000


def run_checks(app: AppContext) -> list[HealthCheck]:
    """Every built-in check, then those of the plugins. Never raises but for Ctrl-C and the run's deadline."""
    tolerant_settings(app)
    found: list[HealthCheck] = []
    for name, check in CHECKS:
        app.remaining()
        found.extend(_guarded(name, check, app))
    return found


def _guarded(name: str, check: Callable[[AppContext], list[HealthCheck]], app: AppContext) -> list[HealthCheck]:
    try:
        return check(app)
    except OpsviError as error:
        return [HealthCheck(name, "error", error.message, error.hint)]
    except Exception as error:  # noqa: BLE001  # whatever is broken, the other checks are worth running
        return [HealthCheck(name, "error", f"{type(error).__name__}: {error}", "")]


def _settings(app: AppContext) -> list[HealthCheck]:
    problems = app.settings.problems
    if problems:
        return [HealthCheck("settings", "error", f"{p.where}: {p.message}", p.hint) for p in problems]
    files = ", ".join(map(str, app.settings.files)) or "no settings files, all defaults"
    return [HealthCheck("settings", "ok", files)]


def _environment(app: AppContext) -> list[HealthCheck]:
    from .environment import PROCESS_VARIABLES
    from .setting_types import UnknownKeyError, find

    unknown = []
    for name in sorted(app.env):
        if name.startswith("OPSVI_") and name not in PROCESS_VARIABLES:
            try:
                find(tuple(name.removeprefix("OPSVI_").lower().split("__")))
            except UnknownKeyError:
                unknown.append(name)
    if not unknown:
        return []
    return [HealthCheck("environment", "warning", f"not read by opsvi: {', '.join(unknown)}", "opsvi help environment")]


def _project(app: AppContext) -> list[HealthCheck]:
    project = app.settings.project_file
    if project is None:
        return []
    if line := untrusted_line(project):
        return [HealthCheck("project", "warning", line, f"read {project.path}, then: opsvi config trust")]
    trusted = "trusted" if project.trusted else "not trusted, and sets nothing that needs trust"
    return [HealthCheck("project", "ok", f"{project.path}: {trusted}")]


def _directories(app: AppContext) -> list[HealthCheck]:
    found = []
    paths = app.paths
    for path in dict.fromkeys((paths.config, paths.data, paths.state, paths.cache, paths.collections)):
        nearest = next(p for p in (path, *path.parents) if p.exists())
        if not nearest.is_dir():
            found.append(HealthCheck("directories", "error", f"{nearest} is not a directory", "move it away"))
        elif not os.access(nearest, os.W_OK | os.X_OK):
            found.append(
                HealthCheck(
                    "directories", "error", f"{nearest} cannot be written", "mend its rights, or set OPSVI_HOME"
                )
            )
        elif nearest == path and _open_to_others(path):
            found.append(HealthCheck("directories", "warning", f"{path} is open to others", f"chmod 700 {path}"))
    return found or [HealthCheck("directories", "ok", f"data in {app.paths.data}")]


def _open_to_others(path: Path) -> bool:
    return os.name == "posix" and bool(path.stat().st_mode & 0o077)


def _private_files(app: AppContext) -> list[HealthCheck]:
    paths = app.paths
    databases = (paths.state_db, paths.calls_db)
    files = (paths.settings_file, paths.secrets_file, paths.identity_file, *databases, paths.trust_file)
    found = []
    for path in files:
        if path.exists() and _open_to_others(path):
            status: Literal["warning", "error"] = "error" if path == paths.identity_file else "warning"
            found.append(HealthCheck("private files", status, f"{path} is open to others", f"chmod 600 {path}"))
    return found or [HealthCheck("private files", "ok", "only you can read them")]


def _secrets(app: AppContext) -> list[HealthCheck]:
    from .redact import is_literal_key, is_secret_name

    count = len(app.foundation.secrets.names())
    found = [HealthCheck("keys", "ok", f"{count} stored")]
    for section in ("providers", "parts"):
        for name, options in getattr(app.settings, section).items():
            for key, value in options.items():
                if isinstance(value, str) and is_secret_name(key) and is_literal_key(value):
                    setting = f"{section}.{name}.{key}"
                    hint = f"opsvi secrets set {name}, then: opsvi config set {setting} age:{name}"
                    found.append(HealthCheck("keys", "error", f"{setting} holds a key itself", hint))
    return found


def _databases(app: AppContext) -> list[HealthCheck]:
    cache = app.paths.cache / "cache.db"
    found = [_database("state", app.paths.state_db, "error", "")]
    found.append(_database("logged calls", app.paths.calls_db, "warning", ""))
    found.append(_database("cache", cache, "warning", f"rm {cache}"))
    return found


def _database(name: str, path: Path, status: Literal["warning", "error"], hint: str) -> HealthCheck:
    import sqlite3
    from contextlib import closing

    if not path.exists():
        return HealthCheck(name, "ok", "not made yet")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=2.0)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        answer = str(error)
    if answer == "ok":
        return HealthCheck(name, "ok", str(path))
    return HealthCheck(name, status, f"{path}: {answer}", hint or f"move it away, a new one is made: {path}")


def _disk(app: AppContext) -> list[HealthCheck]:
    place = next(p for p in (app.paths.data, *app.paths.data.parents) if p.exists())
    free = shutil.disk_usage(place).free
    detail = f"{free / 1e9:.1f} GB free at {place}"
    if free >= _LITTLE_SPACE:
        return [HealthCheck("disk", "ok", detail)]
    return [HealthCheck("disk", "error" if free < _NO_SPACE else "warning", detail, "make room")]


def _model(app: AppContext) -> list[HealthCheck]:
    model = app.settings.model
    if not model:
        hint = "opsvi config set model PROVIDER/MODEL"
        return [HealthCheck("model", "ok", "none is set: `query` answers with the passages themselves", hint)]
    return [_provider_of(app, model, "model")]


def _fallback(app: AppContext) -> list[HealthCheck]:
    return [_provider_of(app, model, "fallback") for model in app.settings.resilience.fallback]


def _provider_of(app: AppContext, model: str, name: str) -> HealthCheck:
    """Is the provider there, and does it say that its settings and its key are? No server is asked."""
    provider = model.partition("/")[0]
    try:
        check = getattr(app.part("provider", provider), "check", None)
        if check is not None:
            check()
    except OpsviError as error:
        return HealthCheck(name, "error", f"{model}: {error.message}", error.hint)
    return HealthCheck(name, "ok", model)


def _embedder(app: AppContext) -> list[HealthCheck]:
    name = app.settings.embedder
    app.plugins.load("embedder", name)
    part = app.plugins.registry.find("embedder", name)
    if part is not None and part.plugin == "opsvi":  # others may load a large model: importing has to do
        app.part("embedder", name)
    return [HealthCheck("embedder", "ok", name)]


def _plugins(app: AppContext) -> list[HealthCheck]:
    reports = app.plugins.reports()
    found = []
    for report in reports:
        if report.status in ("broken", "warning"):
            status: Literal["warning", "error"] = "error" if report.status == "broken" else "warning"
            hint = f"opsvi plugins info {report.name}"
            found.append(HealthCheck("plugins", status, f"{report.name}: {report.error}", hint))
    if lost := app.plugins.missing():
        names = ", ".join(report.name for report in lost)
        detail = f"{len(lost)} of the installed plugins {'is' if len(lost) == 1 else 'are'} missing: {names}"
        found.append(HealthCheck("plugins", "warning", detail, "opsvi plugins restore"))
    working = sum(report.status == "ok" for report in reports)
    return found or [HealthCheck("plugins", "ok", f"{working} loaded")]


def _breakers(app: AppContext) -> list[HealthCheck]:
    if not (app.paths.state / "breakers.db").exists():
        return []
    found = []
    for key, seconds, reason in app.foundation.resilience.breakers.open_keys():
        detail = f"{key} is left alone for another {max(0.0, seconds):.0f} s: {reason}"
        found.append(HealthCheck("breakers", "warning", detail, "wait, or look at that server"))
    return found


def _collections(app: AppContext) -> list[HealthCheck]:
    found = []
    count = 0
    for kind in dict.fromkeys(("local", app.settings.store)):
        backend = app.part("store", kind)
        for name in backend.names():
            count += 1
            try:
                backend.open(name).close()
            except OpsviError as error:
                hint = error.hint or f"opsvi collections check {name}"
                found.append(HealthCheck("collections", "error", f"{name}: {error.message}", hint))
    return found or [HealthCheck("collections", "ok", f"{count} can be opened")]


def _plugin_checks(app: AppContext) -> list[HealthCheck]:
    return app.plugins.health()


CHECKS: tuple[tuple[str, Callable[[AppContext], list[HealthCheck]]], ...] = (
    ("settings", _settings),
    ("environment", _environment),
    ("project", _project),
    ("directories", _directories),
    ("private files", _private_files),
    ("keys", _secrets),
    ("databases", _databases),
    ("disk", _disk),
    ("model", _model),
    ("fallback", _fallback),
    ("embedder", _embedder),
    ("plugins", _plugins),
    ("breakers", _breakers),
    ("collections", _collections),
    ("checks of plugins", _plugin_checks),
)
