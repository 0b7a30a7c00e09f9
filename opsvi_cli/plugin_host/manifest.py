"""`opsvi-plugin.toml`: what a plugin says about itself, read without running any of its code.

    isolated = true
    permissions = ["network", "files", "processes", "secrets"]

The file lies in the package folder, beside the module that the entry point names. Nothing is enforced by it: a plugin
in opsvi's own process can do all that its user can. It is shown before an installation, next to what its code does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FILE_NAME = "opsvi-plugin.toml"
PERMISSIONS = ("network", "files", "processes", "secrets")
_MAX_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the file says; all defaults when there is none. `problem` says in one line why it could not be used."""

    isolated: bool = False
    permissions: tuple[str, ...] = ()
    """Of PERMISSIONS, in that order."""
    there: bool = False
    problem: str = ""


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest. Never raises: what cannot be understood ends up in `problem`."""
    if len(data) > _MAX_BYTES:
        return Manifest(there=True, problem=f"{FILE_NAME} is larger than {_MAX_BYTES // 1000} kB")
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError):
        return Manifest(there=True, problem=f"{FILE_NAME} is not valid TOML")
    isolated = table.get("isolated", False)
    asked = table.get("permissions", [])
    if not isinstance(isolated, bool):
        return Manifest(there=True, problem=f"{FILE_NAME}: isolated is not true or false")
    if not isinstance(asked, list) or not all(isinstance(item, str) for item in asked):
        return Manifest(isolated, there=True, problem=f"{FILE_NAME}: permissions is not a list of texts")
    unknown = [item for item in asked if item not in PERMISSIONS]
    problem = f"{FILE_NAME}: there are no permissions but {', '.join(PERMISSIONS)}" if unknown else ""
    return Manifest(isolated, tuple(item for item in PERMISSIONS if item in asked), True, problem)


def places(module: str) -> tuple[str, ...]:
    """Where the manifest of a plugin module may be, as paths below the root that holds its package.

    A module at the root has none: the folder there is everybody's.
    """
    parts = module.partition(":")[0].strip().split(".")
    folders = ["/".join(parts), "/".join(parts[:-1])]
    return tuple(f"{folder}/{FILE_NAME}" for folder in folders if folder)


def find_manifest(module: str, read: Callable[[str], bytes | None]) -> Manifest:
    """The manifest of a plugin module; `read` gives the bytes of a path below the root, None when it is not there."""
    for place in places(module):
        data = read(place)
        if data is not None:
            return parse_manifest(data)
    return Manifest()


def installed_manifest(target: str) -> Manifest:
    """The manifest of a plugin that is installed or named by a path; `target` as in its report. Imports nothing."""
    from importlib.machinery import PathFinder

    module = target.partition(":")[0].strip()
    if "/" in module or module.endswith(".py"):
        folder = Path(module) if Path(module).is_dir() else None
        return Manifest() if folder is None else find_manifest(folder.name, lambda place: _bytes(folder.parent / place))
    try:
        found = PathFinder.find_spec(module.partition(".")[0])
    except (ImportError, ValueError, OSError):
        found = None
    for folder_name in (found.submodule_search_locations or ()) if found else ():
        root = Path(folder_name).parent
        manifest = find_manifest(module, lambda place, root=root: _bytes(root / place))  # type: ignore[misc]
        if manifest.there:
            return manifest
    return Manifest()


def _bytes(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES + 1)
    except OSError:
        return None
