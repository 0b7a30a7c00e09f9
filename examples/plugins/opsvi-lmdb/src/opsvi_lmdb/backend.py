"""The file, and the collections in it."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import lmdb

from opsvi_cli.sdk import CollectionInfo, NotFoundError, Services, StoreError, UsageError

from .records import dump, key, prefix
from .store import LmdbStore
from .transactions import reading, writing

MAP_BYTES = 1 << 36
"""Address space for the file, 64 GiB: a bound, not what it takes on the disk."""

_open: dict[str, list[Any]] = {}
_lock = threading.Lock()


class LmdbBackend:
    """Options: `path` of the file, `map_bytes` that it may grow to."""

    def __init__(self, services: Services) -> None:
        given = services.options.get("path")
        self._path = Path(str(given)).expanduser() if given else services.data_dir / services.name / "collections.lmdb"
        self._map_bytes = int(str(services.options.get("map_bytes", MAP_BYTES)))

    def open(self, name: str, create: Callable[[], CollectionInfo] | None = None, *, write: bool = False) -> LmdbStore:
        """A collection; made from `create()` when it is not there. Raises NotFoundError, StoreError."""
        if create is None and name not in self.names():
            raise _missing(name)
        with contextlib.ExitStack() as undo:
            environment = undo.enter_context(_environment(self._path, self._map_bytes))
            number = _number(environment, name)
            if number is None:
                if create is None:
                    raise _missing(name)
                number = _make(environment, name, create())
            return LmdbStore(environment, number, name, write=write, close=undo.pop_all().close)

    def names(self) -> list[str]:
        """Every collection, in order."""
        if not self._path.exists():
            return []
        with _environment(self._path, self._map_bytes) as environment, reading(environment) as reader:
            cursor = reader.cursor()
            found = []
            if cursor.set_range(b"c"):
                for entry, value in cursor:
                    if not entry.startswith(b"c"):
                        break
                    found.append(str(json.loads(value)["info"]["name"]))
            return sorted(found)

    def delete(self, name: str) -> None:
        """Raises NotFoundError."""
        if name not in self.names():
            raise _missing(name)
        with _environment(self._path, self._map_bytes) as environment, writing(environment) as change:
            entry = change.get(key(b"c", None, name))
            if entry is None:
                raise _missing(name)
            number = int(json.loads(entry)["number"])
            change.delete(key(b"c", None, name))
            for kind in (b"d", b"v", b"k"):
                cursor = change.cursor()
                while cursor.set_range(prefix(kind, number)) and cursor.key().startswith(prefix(kind, number)):
                    cursor.delete()

    def rename(self, name: str, new: str) -> None:
        """Raises NotFoundError; UsageError when `new` is taken."""
        if name not in self.names():
            raise _missing(name)
        with _environment(self._path, self._map_bytes) as environment, writing(environment) as change:
            entry = change.get(key(b"c", None, name))
            if entry is None:
                raise _missing(name)
            if name != new and change.get(key(b"c", None, new)) is not None:
                raise UsageError(f"there is already a collection {new!r}", hint="choose another name")
            found = json.loads(entry)
            found["info"]["name"] = new
            change.delete(key(b"c", None, name))
            change.put(key(b"c", None, new), dump(found))


def _number(environment: Any, name: str) -> int | None:
    with reading(environment) as reader:
        entry = reader.get(key(b"c", None, name))
    return None if entry is None else int(json.loads(entry)["number"])


def _make(environment: Any, name: str, info: CollectionInfo) -> int:
    """A collection under the next free number; the one that is there when another process was quicker."""
    with writing(environment) as change:
        entry = change.get(key(b"c", None, name))
        if entry is not None:
            return int(json.loads(entry)["number"])
        number = int(change.get(b"next") or b"1")
        change.put(b"next", str(number + 1).encode())
        change.put(key(b"c", None, name), dump({"number": number, "info": replace(info, name=name)}))
    return number


def _missing(name: str) -> NotFoundError:
    return NotFoundError(f"there is no collection {name!r}", hint="opsvi collections list")


@contextlib.contextmanager
def _environment(path: Path, map_bytes: int) -> Iterator[Any]:
    """The open file. A process may open an LMDB file only once: those who use it share it."""
    name = str(path.absolute())
    with _lock:
        shared = _open.get(name)
        if shared is None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                environment = lmdb.open(name, subdir=False, map_size=map_bytes, mode=0o600, max_readers=512)
            except (lmdb.Error, OSError) as error:
                raise StoreError(f"{path}: {error}", hint="check the file, its rights, the disk") from error
            shared = _open[name] = [environment, 0]
        shared[1] += 1
    try:
        yield shared[0]
    finally:
        with _lock:
            shared[1] -= 1
            if not shared[1]:
                del _open[name]
                shared[0].close()
