"""What is known of a plugin before anything of it runs: its metadata, what it asks for, what its code touches."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import Parser
from pathlib import Path
from typing import Any

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.plugin_host.discovery import GROUP
from opsvi_cli.plugin_host.installers import canonical
from opsvi_cli.plugin_host.manifest import PERMISSIONS, Manifest, find_manifest

from .asked import Asked
from .contents import Contents, FolderContents, WheelContents
from .scan import Findings, parse, registered_parts, scan


@dataclass(frozen=True, slots=True)
class Facts:
    """One plugin distribution. Texts come from its author: control characters are taken out, nothing else is checked.

    `plugins` are entry point names and what they name; `builds` is true when installing runs code of the plugin;
    `looked` is false when there was nothing to look into, and then only `asked` is known.
    """

    asked: Asked
    name: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    summary: str = ""
    plugins: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    manifest: Manifest = Manifest()
    findings: Findings = field(default_factory=Findings)
    builds: bool = False
    looked: bool = True
    note: str = ""
    """Why some of it is not known."""


def inspect_wheel(asked: Asked, path: Path) -> Facts:
    """Of a wheel file. Raises OpsviError when it is none, UsageError when it is no plugin of opsvi."""
    return _inspect_built(asked, WheelContents(path), path.name)


def inspect_unpacked(asked: Asked, folder: Path) -> Facts:
    """Of a wheel that an installer has unpacked into an empty folder."""
    return _inspect_built(asked, FolderContents(folder), asked.text)


def _inspect_built(asked: Asked, contents: Contents, label: str) -> Facts:
    infos = {name.partition("/")[0] for name in contents.names() if name.partition("/")[0].endswith(".dist-info")}
    if len(infos) != 1:
        raise OpsviError(
            f"{plain(label)} is no wheel: it holds {len(infos)} *.dist-info folders", hint="build it again"
        )
    (info,) = infos
    metadata = _metadata(contents.read(f"{info}/METADATA"), label)
    points = _entry_points(contents.read(f"{info}/entry_points.txt"), label)
    return _facts(asked, contents, ("",), metadata, _plugins(points, label), builds=False)


def inspect_folder(asked: Asked, folder: Path) -> Facts:
    """Of sources with a pyproject.toml. Raises UsageError when it is no Python project or no plugin of opsvi."""
    contents = FolderContents(folder)
    try:
        table = tomllib.loads((contents.read("pyproject.toml") or b"").decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{asked.text}: pyproject.toml is not valid TOML: {error}", hint="mend it") from None
    names = set(contents.names())
    if not names & {"pyproject.toml", "setup.py", "setup.cfg"}:
        raise UsageError(f"{asked.text} is no Python project: it has no pyproject.toml", hint="give its top folder")
    project = _table(table, "project")
    dynamic = project.get("dynamic", [])
    name = str(project.get("name", "") or _table(table, "tool", "poetry").get("name", ""))
    points: dict[str, Any] | None = _table(project, "entry-points", GROUP) or _table(
        table, "tool", "poetry", "plugins", GROUP
    )
    if not points and (not project or "entry-points" in dynamic):
        points = None  # a build step decides
    metadata = {
        "name": _line(name),
        "version": _line(str(project.get("version", ""))),
        "author": _line(", ".join(_person(item) for item in project.get("authors", []) if isinstance(item, dict))),
        "license": _line(_license_of(project.get("license"))),
        "summary": _line(str(project.get("description", ""))),
        "requires": tuple(_line(str(item)) for item in project.get("dependencies", [])),
    }
    if points is None:
        note = "which plugins it brings is known after it was built"
        return _facts(asked, contents, ("", "src"), metadata, {}, builds=True, note=note)
    found = {_line(str(key)): _line(str(value)) for key, value in points.items()}
    return _facts(asked, contents, ("", "src"), metadata, _plugins(found, asked.text), builds=True)


def unknown(asked: Asked, note: str) -> Facts:
    """Of a name for which no wheel could be had."""
    from packaging.requirements import Requirement

    name = canonical(Requirement(asked.requirement).name) if asked.source == "name" else ""
    return Facts(asked, name, builds=True, looked=False, note=note)


def _facts(
    asked: Asked,
    contents: Contents,
    roots: tuple[str, ...],
    metadata: Mapping[str, Any],
    plugins: Mapping[str, str],
    *,
    builds: bool,
    note: str = "",
) -> Facts:
    def read(place: str) -> bytes | None:
        found = (contents.read(f"{root}/{place}" if root else place) for root in roots)
        return next((data for data in found if data is not None), None)

    manifests = [find_manifest(target, read) for target in plugins.values()]
    there = [manifest for manifest in manifests if manifest.there]
    asked_for = {permission for manifest in there for permission in manifest.permissions}
    manifest = Manifest(
        isolated=any(each.isolated for each in there),
        permissions=tuple(name for name in PERMISSIONS if name in asked_for),
        there=bool(there),
        problem=next((each.problem for each in there if each.problem), ""),
    )
    parts = [part for target in plugins.values() for part in _parts(target, read)]
    return Facts(
        asked,
        **metadata,
        plugins=plugins,
        parts=tuple(_line(part) for part in parts),
        manifest=manifest,
        findings=scan(contents),
        builds=builds,
        note=note,
    )


def _parts(target: str, read: Any) -> list[str]:
    path = target.partition(":")[0].strip().replace(".", "/")
    for place in (f"{path}.py", f"{path}/__init__.py"):
        if (tree := parse(read(place))) is not None:
            return registered_parts(tree)
    return []


def _plugins(points: Mapping[str, str], label: str) -> Mapping[str, str]:
    if not points:
        raise UsageError(
            f"{plain(label)} is no plugin of opsvi: it has no entry point in the group `{GROUP}`",
            hint="`opsvi new-library NAME --kind plugin` makes one",
        )
    return points


def _metadata(data: bytes | None, label: str) -> dict[str, Any]:
    if data is None:
        raise OpsviError(f"{plain(label)} is no wheel: it has no METADATA", hint="build it again")
    message = Parser().parsestr(data.decode("utf-8", "replace"), headersonly=True)

    def of(*names: str) -> str:
        return next((_line(str(message[name])) for name in names if message[name]), "")

    return {
        "name": of("Name"),
        "version": of("Version"),
        "author": of("Author", "Author-email", "Maintainer", "Maintainer-email"),
        "license": of("License-Expression", "License") or _classified(message.get_all("Classifier") or []),
        "summary": of("Summary"),
        "requires": tuple(_line(str(item)) for item in message.get_all("Requires-Dist") or []),
    }


def _classified(classifiers: list[str]) -> str:
    return ", ".join(_line(each.rpartition(" :: ")[2]) for each in classifiers if each.startswith("License :: "))


def _entry_points(data: bytes | None, label: str) -> dict[str, str]:
    parser = configparser.ConfigParser(delimiters=("=",), comment_prefixes=("#", ";"), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string((data or b"").decode("utf-8"))
    except (configparser.Error, UnicodeDecodeError):
        raise UsageError(f"{plain(label)}: its entry_points.txt cannot be read", hint="build it again") from None
    return {_line(key): _line(value) for key, value in parser[GROUP].items()} if GROUP in parser else {}


def _table(table: Mapping[str, Any], *steps: str) -> dict[str, Any]:
    here: Any = table
    for step in steps:
        here = here.get(step) if isinstance(here, dict) else None
    return here if isinstance(here, dict) else {}


def _person(item: Mapping[str, Any]) -> str:
    return str(item.get("name") or item.get("email") or "")


def _license_of(value: object) -> str:
    if isinstance(value, dict):
        return str(value.get("text") or value.get("file") or "")
    return str(value or "")


def _line(text: str) -> str:
    """One safe line of at most 200 characters."""
    shown = " ".join(plain(text).split())
    return shown if len(shown) <= 200 else shown[:197] + "..."
