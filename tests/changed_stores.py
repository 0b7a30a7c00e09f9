"""The store in memory with methods that a test replaces: one broken promise at a time."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

from opsvi_cli.builtin.store_memory import MemoryBackend, MemoryStore

_places = itertools.count()


class Store:
    """The store in memory, of which a test replaces methods; `inner` is the real one."""

    def __init__(self, inner: MemoryStore) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def capabilities(self) -> Any:
        return self.inner.capabilities


class Backend:
    store: Any = Store

    def __init__(self) -> None:
        self.inner = MemoryBackend(SimpleNamespace(data_dir=f"/contract/{next(_places)}"))  # type: ignore[arg-type]

    def open(self, name: str, create: Any = None, *, write: bool = False) -> Any:
        return self.store(self.inner.open(name, create, write=write))

    def names(self) -> Any:
        return self.inner.names()

    def delete(self, name: str) -> None:
        self.inner.delete(name)

    def rename(self, name: str, new: str) -> None:
        self.inner.rename(name, new)


def changed(**methods: Any) -> type[Backend]:
    return type("Wrong", (Backend,), methods)
