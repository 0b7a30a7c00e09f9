"""Settings files of projects: found upwards, read with care, and held to harmless settings until the user trusts them.

An `opsvi.toml` comes with a cloned folder, so its author is nobody the user knows. Trust is given to a path and the
exact bytes of the file; a changed file has to be trusted again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from opsvi_cli.errors import NotFoundError, UsageError

from .paths import Paths, home_directory
from .setting_types import Key, Known

PROJECT_FILE = "opsvi.toml"
_MAX_BYTES = 1_000_000
_REFERENCE_SCHEMES = ("cmd:", "file:", "env:", "age:", "keyring:", "vault:")


@dataclass(frozen=True)
class ProjectFile:
    """A project's settings file as it was read; `refused` says why its content was not, else it is empty."""

    path: Path
    text: str
    digest: str
    """SHA-256 of the bytes, hex."""
    trusted: bool = False
    refused: str = ""
    ignored: tuple[str, ...] = ()
    """Settings in it that were not taken, because it is not trusted."""


def find_project_file(cwd: str, env: Mapping[str, str]) -> Path | None:
    """The nearest `opsvi.toml` from `cwd` upwards; the search ends at the home directory or the root."""
    home = home_directory(env)
    here = Path(cwd)
    for folder in (here, *here.parents):
        candidate = folder / PROJECT_FILE
        if os.path.lexists(candidate):
            return candidate
        if folder == home:
            return None
    return None


def read_project_file(path: Path, paths: Paths) -> ProjectFile:
    """Read a project's file without following a link, waiting for a pipe or filling the memory.

    Raises OSError when it cannot be read.
    """
    if path.is_symlink():
        return ProjectFile(path, "", "", refused="it is a symbolic link")
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return ProjectFile(path, "", "", refused="it is not a regular file")
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        return ProjectFile(path, "", "", refused="it is larger than 1 MB")
    digest = hashlib.sha256(data).hexdigest()
    trusted = _read_records(paths).get(_name(path)) == digest
    return ProjectFile(path, data.decode("utf-8", errors="surrogateescape"), digest, trusted)


def is_harmless(known: Known, value: Any) -> bool:
    """True when a project that nobody trusts may set this: the setting allows it and the value stays in the tree."""
    return known.project and all(_stays_inside(text) for text in _texts(value))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _stays_inside(text: str) -> bool:
    windows = PureWindowsPath(text.lstrip("!"))
    posix = PurePosixPath(text.lstrip("!"))
    rooted = posix.is_absolute() or windows.drive or windows.root or text.startswith("~")
    return not (rooted or ".." in windows.parts or text.startswith(_REFERENCE_SCHEMES) or "\0" in text)


def trust(file: ProjectFile, paths: Paths, now: str) -> None:
    """Record that the user accepts this file with exactly this content. Raises UsageError for one that is not read."""
    if file.refused:
        raise UsageError(f"{file.path} cannot be trusted: {file.refused}", hint="put a regular file in its place")
    _change(paths, _name(file.path), {"sha256": file.digest, "time": now})


def plugins_named(file: ProjectFile) -> list[str]:
    """The plugins that the file loads once it is trusted, safe to print; their own content is not part of the trust."""
    import tomllib

    from .terminal import plain

    try:
        section = tomllib.loads(file.text).get("plugins", {})
    except (tomllib.TOMLDecodeError, RecursionError):
        return []
    load = section.get("load", []) if isinstance(section, dict) else []
    return [" ".join(plain(item).split())[:200] for item in load if isinstance(item, str)] if load else []


def untrust(path: Path, paths: Paths) -> bool:
    """Take the trust back; False when there was none."""
    return _change(paths, _name(path), None)


def nearest(cwd: str, env: Mapping[str, str], paths: Paths) -> ProjectFile:
    """The file of the project that holds `cwd`. Raises NotFoundError when there is none."""
    path = find_project_file(cwd, env)
    if path is None:
        raise NotFoundError(f"there is no {PROJECT_FILE} here or above", hint="opsvi config set KEY VALUE --project")
    return read_project_file(path, paths)


@contextlib.contextmanager
def keeping_trust(path: Path, paths: Paths, now: str) -> Iterator[None]:
    """A change that the user makes by command inside the `with` does not cost the file its trust.

    A file that is new is trusted from the start: every line of it is the user's own.
    """
    project = path.name == PROJECT_FILE
    before = read_project_file(path, paths) if project and os.path.lexists(path) else None
    if before is not None and before.refused:
        raise UsageError(f"{path} cannot be changed: {before.refused}", hint="put a regular file in its place")
    yield
    if project and (before is None or before.trusted):
        trust(read_project_file(path, paths), paths, now)


def _name(path: Path) -> str:
    # The folder is resolved so that a link to it is the same project; the file itself is never a link.
    return str(Path(os.path.realpath(path.parent)) / path.name)


def _read_all(paths: Paths) -> dict[str, dict[str, str]]:
    try:
        records = json.loads(paths.trust_file.read_text("utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}  # a damaged record means no trust
    if not isinstance(records, dict):
        return {}
    return {str(name): value for name, value in records.items() if isinstance(value, dict)}


def _read_records(paths: Paths) -> dict[str, str]:
    return {name: str(value.get("sha256", "")) for name, value in _read_all(paths).items()}


def _change(paths: Paths, name: str, record: dict[str, str] | None) -> bool:
    from .files import write_atomic
    from .locks import hold

    with hold(paths.data / "trusted.lock", "the list of trusted projects", wait=10):
        records = _read_all(paths)
        before = name in records
        records.pop(name, None)
        if record is not None:
            records[name] = record
        if record is not None or before:
            write_atomic(paths.trust_file, json.dumps({"files": records}, indent=2) + "\n")
    return before


def key_names(keys: list[Key]) -> tuple[str, ...]:
    """Dotted names, each once, with what is unsafe on a terminal taken out: they come from the file."""
    from .terminal import plain

    return tuple(dict.fromkeys(plain(".".join(key)).replace("\n", " ")[:80] for key in keys))
