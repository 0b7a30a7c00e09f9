"""An environment is put back byte for byte, whatever was done to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opsvi_cli.plugin_host.install.undo import Before
from opsvi_cli.plugin_host.install.where_opsvi_lives import Python


@pytest.fixture
def python(tmp_path: Path) -> Python:
    prefix = tmp_path / "env"
    site = prefix / "lib" / "site"
    (site / "pack" / "deep").mkdir(parents=True)
    (site / "pack" / "__init__.py").write_text("one = 1\n")
    (site / "pack" / "deep" / "data.bin").write_bytes(b"\0" * 100_000)
    (site / "other.py").write_text("other = 1\n")
    (prefix / "receipt.toml").write_text("a = 1\n")
    (prefix / "bin").mkdir()
    (prefix / "bin" / "tool").write_text("#!/bin/sh\n")
    (prefix / "bin" / "tool").chmod(0o755)
    (prefix / "bin" / "python").symlink_to("/usr/bin/env")
    return Python(prefix, tmp_path / "base", "python", tmp_path / "stdlib", site, prefix / "bin", has_pip=True)


def _picture(root: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for folder, folders, files in os.walk(root):
        for name in [*folders, *files]:
            path = Path(folder, name)
            if path.is_symlink():
                found[str(path)] = os.readlink(path)
            elif path.is_file():
                found[str(path)] = (path.read_bytes(), path.stat().st_mode)
            else:
                found[str(path)] = None
    return found


def test_everything_comes_back(python: Python, tmp_path: Path) -> None:
    before = _picture(python.prefix)
    kept = Before(python, tmp_path / "home" / "keep")
    site = python.site
    # As installers do it: files are replaced, receipts written in place.
    (site / "pack" / "__init__.py").unlink()
    (site / "pack" / "__init__.py").write_text("one = 2\n")
    (site / "pack" / "__pycache__").mkdir()
    (site / "pack" / "__pycache__" / "__init__.cpython-311.pyc").write_bytes(b"of the second")
    (site / "other.py").unlink()
    (site / "other.py").mkdir()
    (site / "new" / "deep").mkdir(parents=True)
    (site / "new" / "deep" / "x.py").touch()
    (site / "x.pth").write_text("import evil")
    (python.prefix / "receipt.toml").write_text("a = 2\n")
    (python.prefix / "bin" / "tool").unlink()
    (python.prefix / "bin" / "python").unlink()
    (python.prefix / "bin" / "python").write_text("not a link")
    (site / "pack" / "deep" / "data.bin").unlink()
    (site / "pack" / "deep").rmdir()
    (site / "pack" / "deep").symlink_to("/etc")

    kept.put_back()
    (site / "pack" / "__pycache__").rmdir()  # empty: what was compiled from the other version is gone
    assert _picture(python.prefix) == before


def test_nothing_is_touched_when_nothing_changed(python: Python, tmp_path: Path) -> None:
    kept = Before(python, tmp_path / "home" / "keep")
    inodes = {path: path.lstat().st_ino for path in python.prefix.rglob("*")}
    kept.put_back()
    assert {path: path.lstat().st_ino for path in python.prefix.rglob("*")} == inodes


def test_a_home_inside_the_environment_is_no_part_of_it(python: Python) -> None:
    before = _picture(python.prefix)
    kept = Before(python, python.prefix / ".opsvi-undo1")
    (python.site / "x.py").touch()
    kept.put_back()
    assert {name: value for name, value in _picture(python.prefix).items() if ".opsvi-undo" not in name} == before
