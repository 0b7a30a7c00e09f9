"""Environments of isolated plugins: made, listed, removed.

Each is a virtual environment in `DATA/plugins/DISTRIBUTION`, with the record of what the plugin registered inside.
It is built and tried in `DATA/plugins/.new` and moved to its place as a whole, so it is there or it is not. opsvi
itself is not installed: a wheel of its name and version that holds no code stands in for it, so that an installer
resolves what the plugin says of opsvi, and gets none of opsvi's own requirements.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli import __version__
from opsvi_cli.errors import PluginError, UsageError
from opsvi_cli.foundation.files import write_atomic
from opsvi_cli.foundation.paths import Paths, private_dir
from opsvi_cli.plugin_host import installers
from opsvi_cli.sdk import KINDS, Part

from .surfaces import PART_KINDS

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

RECORD = "opsvi-plugin.json"
_NEW, _OLD, _LOCK = ".new", ".old", ".lock"
_STAND_IN = "opsvi-{version}-py3-none-any.whl"


@dataclass(frozen=True, slots=True)
class IsolatedPlugin:
    """A distribution in an environment of its own."""

    distribution: str
    """Its name in the spelling of the package index: small letters and hyphens."""
    version: str
    python: Path
    """The interpreter of its environment."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """Entry point name -> target: one plugin each."""
    parts: tuple[Part, ...] = ()
    """`Part.plugin` is the entry point's name. `data["root"]` of a template: the folder of its package."""
    apis: Mapping[str, str | None] = field(default_factory=dict)
    """Entry point name -> the plugin API it states."""
    error: str = ""
    """Why it cannot be used, in a line; then the rest may be empty."""


def plan(app: AppContext, requirement: str, *, pip_options: Sequence[str] = ()) -> list[list[str]]:
    """The commands that `install` would run, in order."""
    folder = _home(app.paths) / _NEW
    return _commands(app, folder, requirement, pip_options)


def install(app: AppContext, requirement: str, distribution: str, *, pip_options: Sequence[str] = ()) -> IsolatedPlugin:
    """Make the environment of `distribution` and put it into the place of an earlier one.

    `requirement` is anything that pip takes; `pip_options` are handed to the installer. The plugin is imported once in
    its own process. Raises PluginError, with nothing changed, when it cannot be installed or brings what cannot be
    isolated; UsageError for a name that is none.
    """
    name = normalized(distribution)
    if requirement.startswith("-"):
        raise UsageError(f"{requirement} is no requirement", hint="give NAME, a path, a wheel or git+URL")
    home = private_dir(_home(app.paths))
    with _alone(home), _fresh(home / _NEW) as new:
        _write_stand_in(new)
        for command in _commands(app, new, requirement, pip_options):
            _run(app, command, requirement)
        plugin = _examine(app, new / "env", name)
        write_atomic(new / "env" / RECORD, json.dumps(_record(plugin), indent=1))
        _put(new / "env", home / name)
        return read(home / name)


def uninstall(app: AppContext, distribution: str) -> bool:
    """Remove the environment of `distribution`; False when there is none."""
    home = _home(app.paths)
    place = home / normalized(distribution)
    if not place.is_dir():
        return False
    with _alone(home), _fresh(home / _OLD) as old:
        place.rename(old / "env")
    return True


def installed(paths: Paths) -> list[IsolatedPlugin]:
    """Every isolated plugin, by name; nothing is started or imported. Never raises."""
    try:
        with os.scandir(_home(paths)) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []
    return [read(_home(paths) / name) for name in names]


def normalized(distribution: str) -> str:
    """The one spelling of a distribution's name. Raises UsageError for what cannot be one."""
    name = installers.canonical(distribution)
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name):
        raise UsageError(f"{distribution[:80]!r} is no name of a distribution")
    return name


# The environment


def _home(paths: Paths) -> Path:
    return paths.data / "plugins"


def _python(folder: Path) -> Path:
    return folder / "Scripts" / "python.exe" if sys.platform == "win32" else folder / "bin" / "python"


def _commands(app: AppContext, new: Path, requirement: str, pip_options: Sequence[str]) -> list[list[str]]:
    """With uv when it is there, else with the venv and pip of this Python."""
    folder = new / "env"
    python = str(_python(folder))
    stand_in = (new / _STAND_IN.format(version=__version__)).as_uri()
    what = [*pip_options, requirement, f"opsvi @ {stand_in}"]
    if uv := _find_uv(app):
        return [
            [uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", python, *what],
        ]
    if importlib.util.find_spec("pip") is not None:
        return [
            [sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)],
            [sys.executable, "-I", "-m", "pip", "--python", python, "install", "--quiet", *what],
        ]
    return [
        [sys.executable, "-I", "-m", "venv", str(folder)],
        [python, "-I", "-m", "pip", "install", "--quiet", *what],
    ]


def _find_uv(app: AppContext) -> str | None:
    places = (app.env.get("PATH", ""), sysconfig.get_path("scripts"))
    return shutil.which("uv", path=os.pathsep.join(places))


def _write_stand_in(folder: Path) -> None:
    """A wheel of opsvi's name and version: metadata and a requirement of pluggy, which the SDK imports."""
    info = f"opsvi-{__version__}.dist-info"
    with zipfile.ZipFile(folder / _STAND_IN.format(version=__version__), "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: opsvi\nVersion: {__version__}\nRequires-Dist: pluggy>=1.5\n"
            "Summary: Stands for the opsvi that runs this plugin; holds no code\n",
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: opsvi\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


def _run(app: AppContext, command: Sequence[str], requirement: str) -> None:
    """Raises PluginError with what the installer said."""
    done = installers.run(app, installers.Step(tuple(command)))
    if done.returncode != 0:
        raise PluginError(
            f"{requirement} cannot be installed into an environment of its own: {installers.last_words(done)}",
            hint="repeat it with -v to see all that the installer says",
        )


def _examine(app: AppContext, folder: Path, name: str) -> IsolatedPlugin:
    """Find the distribution in its environment and try its plugins in a child process. Raises PluginError."""
    from importlib.metadata import distributions

    from .children import Child

    site = sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)})
    found = [
        each for each in distributions(path=[site]) if installers.canonical(str(each.metadata["Name"] or "")) == name
    ]
    if not found:
        raise PluginError(f"what was installed is not called {name}", hint="name the distribution as its metadata does")
    modules = {point.name: point.value for point in found[0].entry_points if point.group == "opsvi"}
    if not modules:
        raise PluginError(f"{name} is no plugin of opsvi: it has no entry point in the group `opsvi`")
    child = Child(app, min(modules), _python(folder))
    try:
        described = child.describe(modules)
    finally:
        child.close()
    parts: list[Part] = []
    apis: dict[str, str | None] = {}
    for plugin in modules:
        apis[plugin], own = _checked(plugin, described[plugin], folder)
        parts += own
    return IsolatedPlugin(name, found[0].version, _python(folder), modules, tuple(parts), apis)


def _checked(plugin: str, described: Mapping[str, Any], folder: Path) -> tuple[str | None, list[Part]]:
    """(API stated, parts) of one plugin. Raises PluginError for what cannot be isolated."""
    from opsvi_cli.plugin_host.loading import check_api

    check_api(described["api"])
    hooks = sorted(set(described["hooks"]) - {"opsvi_register"})
    if hooks:
        raise PluginError(
            f"plugin {plugin!r} implements {', '.join(hooks)}: an isolated plugin has no hook but opsvi_register",
            hint="install it without --isolated",
        )
    parts: list[Part] = []
    for part in described["parts"]:
        data = dict(part.data)
        if part.kind == "template":
            data["root"] = os.path.relpath(described["roots"][part.name], folder)
        elif part.kind not in PART_KINDS:
            raise PluginError(
                f"plugin {plugin!r} brings the {part.kind} {part.name!r}: a {part.kind} cannot be isolated",
                hint="install it without --isolated",
            )
        parts.append(Part(part.kind, part.name, part.target, part.help, plugin, data))
    return described["api"], parts


def _record(plugin: IsolatedPlugin) -> dict[str, Any]:
    return {
        "format": 1,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "modules": dict(plugin.modules),
        "apis": dict(plugin.apis),
        "parts": [
            {
                "kind": part.kind,
                "name": part.name,
                "target": part.target,
                "help": part.help,
                "plugin": part.plugin,
                "data": dict(part.data),
            }
            for part in plugin.parts
        ],
    }


def read(folder: Path) -> IsolatedPlugin:
    """The plugin whose environment is `folder`; one that is damaged says so in `error`."""
    name, python = folder.name, _python(folder)
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        parts = tuple(_part(each, folder) for each in record["parts"])
        modules = {str(key): str(value) for key, value in record["modules"].items()}
        apis = {key: record["apis"].get(key) for key in modules}
        version = str(record["version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "damaged"
        return IsolatedPlugin(name, "", python, error=f"{RECORD} of its environment cannot be read: {reason}")
    plugin = IsolatedPlugin(name, version, python, modules, parts, apis)
    if not os.access(python, os.X_OK):
        return IsolatedPlugin(name, version, python, modules, parts, apis, "the Python of its environment is gone")
    return plugin


def _part(each: Mapping[str, Any], folder: Path) -> Part:
    """Raises ValueError, KeyError, TypeError for what is no part."""
    if each["kind"] not in KINDS or not isinstance(each["data"], dict):
        raise ValueError(each["kind"])
    data = dict(each["data"])
    if each["kind"] == "template":
        root = (folder / str(data["root"])).resolve()
        if not root.is_relative_to(folder.resolve()):
            raise ValueError(root)
        data["root"] = str(root)
    return Part(each["kind"], str(each["name"]), str(each["target"]), str(each["help"]), str(each["plugin"]), data)


# Putting it into its place


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One installation at a time."""
    from opsvi_cli.foundation.locks import hold

    with hold(home / _LOCK, "the folder of isolated plugins"):
        yield


@contextlib.contextmanager
def _fresh(folder: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards; what a killed run left there is removed first."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield private_dir(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put(new: Path, place: Path) -> None:
    """Move a finished environment to its place; the one that is there goes, or stays when that fails."""
    if not place.exists():
        new.rename(place)
        return
    with _fresh(place.parent / _OLD) as old:
        place.rename(old / "env")
        try:
            new.rename(place)
        except BaseException:
            (old / "env").rename(place)
            raise
