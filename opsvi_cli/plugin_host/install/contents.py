"""The files of a plugin that is not installed: of a wheel or a folder, read within limits and never run."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from opsvi_cli.errors import OpsviError

MAX_FILES = 20_000
MAX_BYTES = 2_000_000
"""Of one file; what is longer counts as unreadable."""
_NOT_SOURCES = frozenset({"tests", "test", "docs", "examples", "build", "dist", "venv", "node_modules", "__pycache__"})


class Contents(Protocol):
    """Files by their names relative to the root, with `/` between folders."""

    def names(self) -> list[str]:
        """Every file, in order. Raises OpsviError when there are too many."""
        ...

    def read(self, name: str) -> bytes | None:
        """The bytes of a file; None when it is not there, too long or cannot be read."""
        ...


class WheelContents:
    """A wheel. Raises OpsviError when it is no zip archive."""

    def __init__(self, path: Path) -> None:
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile) as error:
            raise OpsviError(f"{path} cannot be read as a wheel: {error}", hint="build it again") from None
        self._names = sorted(name for name in self._zip.namelist() if not name.endswith("/"))
        if len(self._names) > MAX_FILES:
            raise OpsviError(f"{path} holds over {MAX_FILES} files", hint="that is no plugin")

    def names(self) -> list[str]:
        return self._names

    def read(self, name: str) -> bytes | None:
        try:
            with self._zip.open(name) as file:
                data = file.read(MAX_BYTES + 1)
        except Exception:  # noqa: BLE001  # a damaged member can fail in any way
            return None
        return data if len(data) <= MAX_BYTES else None


class FolderContents:
    """A folder of sources, or an unpacked wheel. Links are not followed; tests, docs and hidden folders left out."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def names(self) -> list[str]:
        found = sorted(self._walk())
        if len(found) > MAX_FILES:
            raise OpsviError(f"{self._root} holds over {MAX_FILES} files", hint="give the folder of the plugin alone")
        return found

    def _walk(self) -> Iterator[str]:
        count = 0
        for folder, folders, files in os.walk(self._root):
            folders[:] = [name for name in folders if name not in _NOT_SOURCES and not name.startswith(".")]
            for name in files:
                path = Path(folder, name)
                if not path.is_symlink():
                    count += 1
                    if count > MAX_FILES + 1:
                        return
                    yield path.relative_to(self._root).as_posix()

    def read(self, name: str) -> bytes | None:
        path = self._root / name
        try:
            if not path.resolve().is_relative_to(self._root.resolve()) or not path.is_file():
                return None
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except (OSError, ValueError):
            return None
        return data if len(data) <= MAX_BYTES else None
