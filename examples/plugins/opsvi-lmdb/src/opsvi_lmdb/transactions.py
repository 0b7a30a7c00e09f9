"""LMDB transactions whose errors are opsvi's: what fails is not kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import lmdb

from opsvi_cli.sdk import StoreError


@contextlib.contextmanager
def reading(environment: Any) -> Iterator[Any]:
    """One moment of the file, whatever is written meanwhile. Raises StoreError."""
    with _guarded(), environment.begin() as transaction:
        yield transaction


@contextlib.contextmanager
def writing(environment: Any) -> Iterator[Any]:
    """A change, on the disk when the block ends; waits for another writer. Raises StoreError."""
    with _guarded(), environment.begin(write=True) as transaction:
        yield transaction


@contextlib.contextmanager
def _guarded() -> Iterator[None]:
    try:
        yield
    except lmdb.MapFullError as error:
        raise StoreError("the LMDB file has reached its largest size", hint="raise parts.lmdb.map_bytes") from error
    except lmdb.Error as error:
        raise StoreError(f"LMDB: {error}", hint="check the file, its rights, the disk") from error
