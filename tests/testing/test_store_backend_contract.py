"""`check_store` bites: backends, changed in one place for each promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from changed_stores import Backend, changed

from opsvi_cli.sdk import NotFoundError
from opsvi_cli.testing import check_store


def _makes_what_is_missing(self: Any, name: str, create: Any = None, *, write: bool = False) -> Any:
    from opsvi_cli.testing.store_documents import manifest

    return self.store(self.inner.open(name, create or manifest, write=write))


def _key_error(self: Any, name: str, create: Any = None, *, write: bool = False) -> Any:
    if name not in self.inner.names() and create is None:
        raise KeyError(name)
    return self.store(self.inner.open(name, create, write=write))


def _nameless(self: Any, name: str, create: Any = None, *, write: bool = False) -> Any:
    if name not in self.inner.names() and create is None:
        raise NotFoundError("no such collection")
    return self.store(self.inner.open(name, create, write=write))


def _always_creates(self: Any, name: str, create: Any = None, *, write: bool = False) -> Any:
    if create is not None:
        create()
    return self.store(self.inner.open(name, create, write=write))


def _always_new(self: Any, name: str, create: Any = None, *, write: bool = False) -> Any:
    if create is not None and name in self.inner.names():
        self.inner.delete(name)
    return self.store(self.inner.open(name, create, write=write))


def _own_info(self: Any, name: str, create: Any = None, *, write: bool = False) -> Any:
    made = create and (lambda: replace(create(), settings={}))
    return self.store(self.inner.open(name, made, write=write))


def _writable(self: Any, name: str, create: Any = None, *, write: bool = False) -> Any:
    if name not in self.inner.names() and create is None:
        self.inner.open(name)
    return self.store(self.inner.open(name, create, write=True))


def _keeps_name(self: Any, name: str, new: str) -> None:
    self.inner.rename(name, new)
    collection = self.inner._mine[new]
    collection.info = replace(collection.info, name=name)


def _copies(self: Any, name: str, new: str) -> None:
    kept = self.inner._mine.get(name)
    self.inner.rename(name, new)
    self.inner._mine[name] = kept


def _empties(self: Any, name: str, new: str) -> None:
    self.inner.rename(name, new)
    self.inner._mine[new].documents.clear()


def _overwrites(self: Any, name: str, new: str) -> None:
    if name in self.inner._mine:
        self.inner._mine.pop(new, None)
    self.inner.rename(name, new)


def _quiet_delete(self: Any, name: str) -> None:
    self.inner._mine.pop(name, None)


def _hides(self: Any, name: str) -> None:
    kept = self.inner._mine.get(name)
    self.inner.delete(name)
    self.inner._mine[f"{name}-trash"] = kept


BACKENDS: dict[str, tuple[type[Backend], str]] = {
    "makes what is missing": (
        changed(open=_makes_what_is_missing),
        "that is not there must raise NotFoundError; it g",
    ),
    "key error": (changed(open=_key_error), "must raise NotFoundError; it raised KeyError"),
    "names no collection": (changed(open=_nameless), "NotFoundError must name the collection; no such collection"),
    "always creates": (changed(open=_always_creates), "`create` must not be called for a collection that exists"),
    "always new": (changed(open=_always_new), "opening a collection to write must keep what is in it"),
    "another manifest": (changed(open=_own_info), "`info` must be what `create` gave; expected CollectionInfo"),
    "always writable": (changed(open=_writable), "opened for reading must refuse to change with StoreError"),
    "never empty": (changed(names=lambda _: ["x"]), "a new backend must have no collections; expected [], got ['x']"),
    "no names": (changed(names=lambda _: []), "`names` must name a collection as soon as it is made"),
    "not renamed inside": (changed(rename=_keeps_name), "`info` must have the new name; expected 'contract-papers'"),
    "copied": (changed(rename=_copies), "`rename` must give a collection its new name alone"),
    "emptied": (changed(rename=_empties), "`rename` must keep what is in a collection; expected (3, 8)"),
    "overwritten": (changed(rename=_overwrites), "`rename` to a name that is taken must raise UsageError"),
    "deletes nothing": (changed(delete=lambda *_: None), "`delete` must remove a collection"),
    "deletes in silence": (
        changed(delete=_quiet_delete),
        "`delete` and `rename` of what is not there must raise NotF",
    ),
    "deletes into the bin": (changed(delete=_hides), "`delete` must remove a collection"),
    "raises": (changed(rename=lambda *_: 1 / 0), "renaming a collection must work; it raised ZeroDivisionError"),
}


@pytest.mark.parametrize("name", BACKENDS)
def test_wrong_backends(name: str, broken: Callable[..., Any]) -> None:
    backend, words = BACKENDS[name]
    found = broken(check_store, backend)
    assert any(words in sentence for sentence in found), found
