"""The store `local`: collections as folders under `collections/`, each with its SQLite file and vector index.

A collection is made in a hidden folder and renamed into place, and renamed out of it before it is deleted: one that
is there is always whole.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from opsvi_cli.sdk import JSON, CollectionInfo, NotFoundError, Services, StoreError, UsageError

from . import schema
from .collection import IndexOptions, LocalStore
from .lock import WriterLock
from .records import as_json, read_manifest, write_manifest

FILE = "collection.db"


class LocalBackend:
    """Options: `lock_seconds` to wait for another writer (2); `index_file_rows`, `index_faiss_rows`,
    `index_stale_rows`: the numbers of chunks of `IndexOptions`.
    """

    def __init__(self, services: Services) -> None:
        self._root = Path(services.data_dir) / "collections"
        options = services.options
        default = IndexOptions()
        self._wait = float(_number(options.get("lock_seconds"), 2.0, "lock_seconds"))
        self._index = IndexOptions(
            int(_number(options.get("index_file_rows"), default.file_rows, "index_file_rows")),
            int(_number(options.get("index_faiss_rows"), default.faiss_rows, "index_faiss_rows")),
            int(_number(options.get("index_stale_rows"), default.stale_rows, "index_stale_rows")),
        )

    def open(self, name: str, create: Callable[[], CollectionInfo] | None = None, *, write: bool = False) -> LocalStore:
        path = self._file(name)
        if create is None and not path.exists():
            raise NotFoundError(f"there is no collection {name!r}", hint="opsvi collections list")
        if not write and path.exists():
            return self._opened(path, name, None)
        self._private(self._root)
        lock = WriterLock(self._root, name)
        lock.take(self._wait)
        try:
            if not path.exists():
                if create is None:  # deleted while this process waited
                    raise NotFoundError(f"there is no collection {name!r}", hint="opsvi collections list")
                self._make(path, name, create())
            return self._opened(path, name, lock)
        except BaseException:
            lock.release()
            raise

    def _opened(self, path: Path, name: str, lock: WriterLock | None) -> LocalStore:
        with schema.guarded(name, path):
            connection = schema.open_file(path, write=lock is not None)
            try:
                return LocalStore(connection, path, lock, self._index)
            except BaseException:
                connection.close()
                raise

    def _make(self, path: Path, name: str, info: CollectionInfo) -> None:
        for leftover in self._root.glob(f".{name}.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        folder = self._root / f".{name}.new-{secrets.token_hex(4)}"
        self._private(folder)
        try:
            with schema.guarded(name, path), contextlib.closing(schema.make(folder / FILE)) as connection:
                write_manifest(connection, replace(info, name=name))
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            folder.replace(path.parent)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def names(self) -> list[str]:
        with contextlib.suppress(OSError):
            return sorted(item.name for item in self._root.iterdir() if item.name[0] != "." and (item / FILE).is_file())
        return []

    def size(self, name: str) -> int:
        """Bytes on disk."""
        total = 0
        with contextlib.suppress(OSError):
            total = sum(item.stat().st_size for item in self._file(name).parent.iterdir())
        return total

    def delete(self, name: str) -> None:
        """Raises NotFoundError; StoreError while another process writes to it."""
        path = self._existing(name)
        lock = WriterLock(self._root, name)
        lock.take(self._wait)
        try:
            gone = self._root / f".{name}.gone-{secrets.token_hex(4)}"
            path.parent.replace(gone)
            for folder in self._root.glob(f".{name}.gone-*"):
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            lock.release()

    def rename(self, name: str, new: str) -> None:
        """Raises NotFoundError; UsageError when `new` is taken; StoreError while another process writes to either."""
        path, target = self._existing(name), self._file(new)
        locks = [WriterLock(self._root, each) for each in sorted({name, new})]
        with contextlib.ExitStack() as stack:
            for lock in locks:
                lock.take(self._wait)
                stack.callback(lock.release)
            if target.exists():
                raise UsageError(f"there is already a collection {new!r}", hint=f"opsvi collections delete {new}")
            with schema.guarded(name, path), contextlib.closing(schema.open_file(path, write=True)) as connection:
                read_manifest(connection)
                connection.execute("UPDATE manifest SET value = ? WHERE key = 'name'", (as_json(new),))
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            path.parent.replace(target.parent)

    def _existing(self, name: str) -> Path:
        path = self._file(name)
        if not path.exists():
            raise NotFoundError(f"there is no collection {name!r}", hint="opsvi collections list")
        return path

    def _file(self, name: str) -> Path:
        if not name or name[0] == "." or "/" in name or "\\" in name or "\0" in name:
            raise UsageError(f"{name!r} cannot name a collection", hint="use letters, digits, dots and dashes")
        return self._root / name / FILE

    def _private(self, folder: Path) -> None:
        """Make a folder, mode 0700, with what is missing above it."""
        try:
            for parent in reversed([p for p in (folder, *folder.parents) if not p.exists()]):
                parent.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{folder} cannot be made: {error.strerror or error}", hint="check its rights, or set OPSVI_HOME"
            ) from error


def _number(value: JSON, default: float, name: str) -> float:
    if value is None:
        return default
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return value
    raise UsageError(f"parts.local.{name}: {value!r} is not a number", hint=f"opsvi config set parts.local.{name} 2")
