"""One process at a time, and what the other is told."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from opsvi_cli.errors import StoreError
from opsvi_cli.foundation.locks import hold

Child = Callable[[str], "subprocess.Popen[str]"]


def holder(path: Path) -> str:
    return (
        "import sys; from pathlib import Path; from opsvi_cli.foundation.locks import hold\n"
        f"with hold(Path({str(path)!r}), 'collection x'):\n"
        "    print('ready', flush=True); sys.stdin.read()\n"
    )


def test_the_error_names_the_holder(tmp_path: Path, child: Child) -> None:
    path = tmp_path / "locks" / "x.lock"
    process = child(holder(path))
    said = rf"collection x is in use by another process \(pid {process.pid}\)"
    for _ in range(2):  # a try that fails must not hide the holder from the next
        with pytest.raises(StoreError, match=said) as error, hold(path, "collection x"):
            pass
        assert f"kill {process.pid}" in error.value.hint
    process.communicate("")
    with hold(path, "collection x"):
        pass


def test_a_killed_holder_frees_it(tmp_path: Path, child: Child) -> None:
    path = tmp_path / "x.lock"
    process = child(holder(path))
    process.kill()
    process.wait()
    with hold(path, "x", wait=5):
        pass


def test_waiting_gets_it(tmp_path: Path, child: Child) -> None:
    path = tmp_path / "x.lock"
    process = child(holder(path))
    assert process.stdin is not None
    process.stdin.close()
    with hold(path, "x", wait=30):
        pass


def test_modes_and_an_error_inside(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"

    def fail() -> None:
        with hold(path, "x"):
            assert {entry.stat().st_mode & 0o777 for entry in tmp_path.iterdir() if entry.is_file()} == {0o600}
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    with hold(path, "x"):
        pass
    assert not (tmp_path / "x.lock.pid").exists()
