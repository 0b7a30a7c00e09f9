"""The environment as it was: kept while an installer works, put back when what it did is not wanted.

Kept are hard links, so that it costs the names and not the bytes; where there can be none (another file system) the
files are copied. Installers replace files and do not write into them, as they must in environments that share files
with a cache; small files beside the packages (receipts, scripts) may be written in place, so they are always copied.
Putting back needs no network and no installer, and touches only what differs.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import shutil
import stat
from pathlib import Path

from opsvi_cli.foundation.paths import private_dir

from .where_opsvi_lives import Python

FOLDER = ".opsvi-undo"
"""How the names of folders begin that hold an environment as it was."""
_SMALL = 65_536


class Before:
    """The folders of an environment as they are when this is made. `keep` is an empty folder for it."""

    def __init__(self, python: Python, keep: Path) -> None:
        # Of a virtual environment all, with the receipt of its installer; else only where distributions go.
        roots = [python.prefix] if python.virtual else [python.site, python.scripts]
        self._packages = f"{python.site}{os.sep}"
        self._kept = {
            str(root): str(private_dir(keep / str(number))) for number, root in enumerate(roots) if root.is_dir()
        }
        for root, kept in self._kept.items():
            for name, is_folder in _files(root).items():
                if is_folder:
                    os.mkdir(f"{kept}{name}")
                else:
                    self._copy(f"{root}{name}", f"{kept}{name}", link=f"{root}{name}".startswith(self._packages))

    def put_back(self) -> None:
        """Make the folders what they were. Raises OSError when a file cannot be replaced."""
        for root, kept in self._kept.items():
            was, now = _files(kept), _files(root)
            for name in sorted(set(now) - set(was), key=len, reverse=True):
                _remove(f"{root}{name}")
            for name, is_folder in was.items():
                if is_folder:
                    self._put_folder(f"{root}{name}")
                elif not _same(f"{kept}{name}", f"{root}{name}"):
                    self._put_file(f"{kept}{name}", f"{root}{name}")

    def _copy(self, source: str, target: str, *, link: bool) -> None:
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
            return
        if link or os.stat(source).st_size > _SMALL:
            with contextlib.suppress(OSError):
                os.link(source, target)
                return
        shutil.copy2(source, target)

    def _put_folder(self, place: str) -> None:
        if os.path.islink(place) or not os.path.isdir(place):
            _remove(place)
            os.mkdir(place)

    def _put_file(self, kept: str, place: str) -> None:
        if os.path.isdir(place) and not os.path.islink(place):
            shutil.rmtree(place)
        folder, name = os.path.split(place)
        new = os.path.join(folder, f"{FOLDER}-{name}")
        _remove(new)
        self._copy(kept, new, link=place.startswith(self._packages))
        os.replace(new, place)
        # Told apart by size and second only: one compiled from the other version could pass for it.
        stem = name.removesuffix(".py")
        for compiled in Path(folder, "__pycache__").glob(f"{stem}.*.pyc") if name.endswith(".py") else ():
            compiled.unlink(missing_ok=True)


def _files(root: str, above: str = "") -> dict[str, bool]:
    """All that is below, as `/path` below `root` -> whether it is a folder; folders first, links are no folders."""
    found: dict[str, bool] = {}
    with os.scandir(f"{root}{above}") as entries:
        for entry in entries:
            name = f"{above}{os.sep}{entry.name}"
            found[name] = entry.is_dir(follow_symlinks=False)
            if found[name]:
                # Compiled modules are made again by themselves; a copy of an environment never holds another.
                if entry.name == "__pycache__" or entry.name.startswith(FOLDER):
                    del found[name]
                else:
                    found |= _files(root, name)
    return found


def _same(kept: str, place: str) -> bool:
    try:
        one, other = os.lstat(kept), os.lstat(place)
    except FileNotFoundError:
        return False
    if os.path.samestat(one, other):
        return True
    if stat.S_ISLNK(one.st_mode):
        return stat.S_ISLNK(other.st_mode) and os.readlink(kept) == os.readlink(place)
    alike = (one.st_size, one.st_mtime_ns, one.st_mode) == (other.st_size, other.st_mtime_ns, other.st_mode)
    return alike and filecmp.cmp(kept, place, shallow=False)


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        Path(path).unlink(missing_ok=True)
