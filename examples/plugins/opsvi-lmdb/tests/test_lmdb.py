"""The store against its contract, and what only it can be asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opsvi_lmdb.backend import LmdbBackend

from opsvi_cli.sdk import StoreError
from opsvi_cli.testing import check_store


@pytest.fixture
def new_backend(opsvi_services: Callable[..., Any], tmp_path: Path) -> Callable[..., LmdbBackend]:
    """A backend over a file of its own at each call."""
    numbers: Iterator[int] = iter(range(1000))

    def call(**options: object) -> LmdbBackend:
        return LmdbBackend(opsvi_services(name="lmdb", path=str(tmp_path / f"{next(numbers)}.lmdb"), **options))

    return call


def test_the_contract(new_backend: Callable[..., LmdbBackend]) -> None:
    check_store(new_backend)


def test_opsvi_ingests_and_searches(opsvi: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Backup\n\nBackups are kept for ninety days.\n")
    assert opsvi("ingest", "a.md", "-c", "team", "--store", "lmdb", cwd=tmp_path).code == 0
    done = opsvi("search", "how long are backups kept", "-c", "team", "--json")
    assert "ninety days" in done.json[0]["text"]


def test_what_was_written_is_there_after_the_process_was_killed(tmp_path: Path) -> None:
    """Committed before `write` returned: nothing is left to be done at exit."""
    program = f"""
import os, signal
from types import SimpleNamespace
from opsvi_cli.testing.store_documents import manifest, three_documents
from opsvi_lmdb.backend import LmdbBackend
store = LmdbBackend(SimpleNamespace(options={{"path": {str(tmp_path / "x.lmdb")!r}}})).open("a", manifest, write=True)
store.write(three_documents())
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    check = f"""
from types import SimpleNamespace
from opsvi_lmdb.backend import LmdbBackend
store = LmdbBackend(SimpleNamespace(options={{"path": {str(tmp_path / "x.lmdb")!r}}})).open("a")
assert store.count()[0] == 3 and store.check() == []
"""
    subprocess.run([sys.executable, "-c", check], check=True)


def test_a_full_file_is_an_error_and_keeps_what_it_had(new_backend: Callable[..., LmdbBackend]) -> None:
    from opsvi_cli.testing.store_documents import document, manifest

    store = new_backend(map_bytes=1 << 20).open("a", manifest, write=True)
    store.write([document("small", "words")])
    with pytest.raises(StoreError, match="largest size"):
        store.write([document("large", "many words " * 100_000, size=10_000)])
    assert store.count()[0] == 1
    assert store.check() == []
    store.close()
