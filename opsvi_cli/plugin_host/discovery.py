"""Where plugins are: the entry points of installed distributions, and those named by OPSVI_PLUGINS or the settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsvi_cli.foundation.paths import Paths

from .guard import describe
from .reports import Origin

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

    from .isolation.environment import IsolatedPlugin

GROUP = "opsvi"


@dataclass(frozen=True, slots=True)
class Named:
    """A plugin that a settings file names: `target` is a module or an absolute path."""

    target: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin before it is imported. `target` is `module` or `module:attribute`; a path for a file."""

    name: str
    target: str
    origin: Origin
    distribution: str
    version: str = ""
    error: str = ""
    """Why it cannot even be tried."""
    isolated: IsolatedPlugin | None = None
    """Its environment; such a plugin is not imported here."""


def truthy(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").strip().lower() not in ("", "0", "false", "no", "off")


def find_candidates(env: Mapping[str, str], paths: Paths, load: Sequence[Named] = ()) -> list[Candidate]:
    """Every plugin that is named anywhere, in an order that does not change: who is first keeps a name.

    `load` are those that the settings name.
    """
    items = (piece.strip() for piece in env.get("OPSVI_PLUGINS", "").split(","))
    named = [_named(item, "environment") for item in items if item]
    named += [_named(item.target, item.origin) for item in load]
    return [*find_installed(), *named, *_isolated(paths)]


def find_installed() -> list[Candidate]:
    """The plugins of the distributions in this environment, by name."""
    return sorted(_installed(), key=lambda found: (found.name, found.distribution)) if _any_installed() else []


def _isolated(paths: Paths) -> Iterator[Candidate]:
    if not (paths.data / "plugins").is_dir():
        return
    from .isolation.environment import installed

    for plugin in installed(paths):
        error = plugin.error and f"{plugin.error}: opsvi plugins install --isolated {plugin.distribution}"
        for name, target in (plugin.modules or {plugin.distribution: ""}).items():
            yield Candidate(name, target, "isolated", plugin.distribution, plugin.version, error, plugin)


def _any_installed(path: Sequence[str] | None = None) -> bool:
    """False when no distribution on the path can have a plugin.

    Reading the directories by hand spares importlib.metadata, whose import costs several times a start of Python,
    on a machine without plugins. Whatever is not a plain directory is left to importlib.metadata.
    """
    for place in sys.path if path is None else path:
        try:
            with os.scandir(place or ".") as entries:
                folders = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info", ".egg"))]
        except NotADirectoryError:
            return True
        except OSError:
            continue
        for folder in folders:
            if folder.endswith(".egg"):
                return True
            try:
                with open(os.path.join(folder, "entry_points.txt"), "rb") as file:
                    if b"[opsvi]" in file.read():
                        return True
            except OSError:
                continue
    return False


def _installed() -> Iterator[Candidate]:
    from importlib.metadata import distributions, entry_points

    try:
        points = list(entry_points(group=GROUP))
    except Exception:  # noqa: BLE001  # one distribution's damaged metadata ends the scan of all
        for distribution in distributions():
            yield from _of_distribution(distribution)
        return
    for point in points:
        yield _candidate(point, point.dist)


def _of_distribution(distribution: Distribution) -> Iterator[Candidate]:
    """The plugins of one distribution; of a damaged one, a candidate that says so when it meant to bring plugins."""
    try:
        points = [point for point in distribution.entry_points if point.group == GROUP]
    except Exception as error:  # noqa: BLE001
        if _mentions_group(distribution, error):
            name = _name(distribution)
            reason = f"its entry_points.txt cannot be read: {describe(error)}"
            yield Candidate(name, "", "distribution", name, _version(distribution), reason)
        return
    for point in points:
        yield _candidate(point, distribution)


def _candidate(point: EntryPoint, distribution: Distribution | None) -> Candidate:
    if distribution is None:
        return Candidate(point.name, point.value, "distribution", "unknown")
    return Candidate(point.name, point.value, "distribution", _name(distribution), _version(distribution))


def _mentions_group(distribution: Distribution, error: Exception) -> bool:
    if isinstance(error, UnicodeDecodeError):
        return b"[opsvi]" in bytes(error.object)
    try:
        return "[opsvi]" in (distribution.read_text("entry_points.txt") or "")
    except (OSError, ValueError):
        return False


def _name(distribution: Distribution) -> str:
    try:
        return str(distribution.metadata["Name"] or "unknown")
    except Exception:  # noqa: BLE001  # METADATA is missing or damaged
        return "unknown"


def _version(distribution: Distribution) -> str:
    try:
        return str(distribution.version or "")
    except Exception:  # noqa: BLE001
        return ""


def _named(item: str, origin: Origin) -> Candidate:
    """`module`, `package.module`, `./file.py`, `./package`: a plugin that is not installed."""
    name = os.path.basename(item.rstrip("/\\")).removesuffix(".py").split(":")[0]
    return Candidate(name.rpartition(".")[2] or item, item, origin, item)
