"""The completion scripts, generated once, and a program called opsvi for them to ask."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from opsvi_cli.render.command_tree import Place, places


@pytest.fixture(scope="session")
def tree() -> list[Place]:
    return places()


@pytest.fixture
def script(tree: list[Place], tmp_path: Path) -> Callable[[str], Path]:
    """The script for a shell, as a file."""

    def call(shell: str) -> Path:
        path = tmp_path / f"completion.{shell}"
        path.write_text(import_module(f"opsvi_cli.render.shell_{shell}").script(tree), encoding="utf-8")
        return path

    return call


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`opsvi` on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "opsvi"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m opsvi_cli "$@"\n')
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return path


@pytest.fixture
def collections(home: Path) -> None:
    """Collections `notes`, `notes-old` and `work`, as far as completion looks."""
    for name in ("notes", "notes-old", "work"):
        (home / "data" / "collections" / name).mkdir(parents=True)
