"""`opsvi library check`: a new library is sound, and each way of spoiling it is found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def library(opsvi: Run, tmp_path: Path) -> Path:
    done = opsvi("new-library", "tide-pool", "--feature", "gauge", "--with", "retry", "--no-input")
    assert done.code == 0, done.err
    return tmp_path / "tide-pool"


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, path
    path.write_text(text.replace(old, new))


def test_a_new_library_is_sound(library: Path, opsvi: Run) -> None:
    done = opsvi("library", "check", library / "tide_pool" / "core", "--strict", "--json")
    assert (done.code, done.json) == (0, [])


@pytest.mark.parametrize("part", ["processor", "store", "command"])
def test_a_new_plugin_is_sound(part: str, opsvi: Run) -> None:
    assert opsvi("new-library", "opsvi-tides", "--kind", "plugin", "--part", part, "--no-input").code == 0
    done = opsvi("library", "check", "opsvi-tides", "--strict")
    assert (done.code, done.out) == (0, "")


def test_more_than_the_template_made_is_welcome(library: Path, opsvi: Run) -> None:
    """Modules, pages, tests and a feature in the same shape are what a library is for."""
    shutil.copytree(library / "tide_pool/gauge", library / "tide_pool/buoy")
    (library / "tide_pool/gauge/more.py").write_text("from ..core import config\nfrom ..utils import helpers\n")
    (library / "CHANGELOG.md").write_text("# Changes\n")
    for path in (library / "tide_pool/buoy").glob("*.py"):
        path.write_text(path.read_text().replace("gauge", "buoy"))
    assert opsvi("library", "check", library, "--strict").out == ""


SPOILS: dict[str, tuple[Callable[[Path], object], tuple[str, str, str], int]] = {
    "a file of the structure is gone": (
        lambda root: (root / "tide_pool/core/constants.py").unlink(),
        ("error", "missing", "tide_pool/core/constants.py"),
        1,
    ),
    "core imports a feature": (
        lambda root: (root / "tide_pool/core/new.py").write_text("import os\nfrom tide_pool.gauge import base\n"),
        ("error", "layers", "tide_pool/core/new.py"),
        1,
    ),
    "core imports a feature, written another way": (
        lambda root: (root / "tide_pool/core/new.py").write_text("def f():\n    from ..gauge import base\n"),
        ("error", "layers", "tide_pool/core/new.py"),
        1,
    ),
    "utils imports an integration": (
        lambda root: (root / "tide_pool/utils/new.py").write_text("import tide_pool.integrations.retry\n"),
        ("error", "layers", "tide_pool/utils/new.py"),
        1,
    ),
    "a feature imports the fixtures": (
        lambda root: (root / "tide_pool/gauge/new.py").write_text("from tide_pool import testing\n"),
        ("error", "layers", "tide_pool/gauge/new.py"),
        1,
    ),
    "the package imports its tests": (
        lambda root: (root / "tide_pool/gauge/new.py").write_text("from tests import conftest\n"),
        ("error", "layers", "tide_pool/gauge/new.py"),
        1,
    ),
    "the version in the code drifts": (
        lambda root: _edit(root / "pyproject.toml", 'dynamic = ["version"]', 'version = "0.2.0"'),
        ("error", "version", "tide_pool/__init__.py"),
        1,
    ),
    "the project is renamed": (
        lambda root: _edit(root / "pyproject.toml", '[project]\nname = "tide-pool"', '[project]\nname = "other"'),
        ("error", "version", "pyproject.toml"),
        1,
    ),
    "the tools check for another Python": (
        lambda root: _edit(root / "pyproject.toml", 'target-version = "py311"', 'target-version = "py312"'),
        ("warning", "version", "pyproject.toml"),
        0,
    ),
    "the template has moved on": (
        lambda root: _edit(root / "pyproject.toml", '\nversion = "1.0"\n', '\nversion = "0.9"\n'),
        ("warning", "version", "pyproject.toml"),
        0,
    ),
    "a folder without __init__.py": (
        lambda root: (root / "tide_pool/stray").mkdir(),
        ("error", "extra", "tide_pool/stray"),
        1,
    ),
    "a folder that is no feature": (
        lambda root: [
            (root / "tide_pool/stray").mkdir(),
            (root / "tide_pool/stray/__init__.py").write_text('"""Stray."""\n'),
        ],
        ("warning", "extra", "tide_pool/stray"),
        0,
    ),
    "the project file is damaged": (
        lambda root: _edit(root / "pyproject.toml", 'template = "library"', "template = 3"),
        ("", "", ""),
        1,
    ),
}


@pytest.mark.parametrize("what", SPOILS)
def test_what_is_spoiled_is_found(what: str, library: Path, opsvi: Run) -> None:
    spoil, (level, check, path), code = SPOILS[what]
    spoil(library)
    done = opsvi("library", "check", library, "--json")
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    if level:
        assert [(row["level"], row["check"], row["path"]) for row in done.json] == [(level, check, path)]
        assert opsvi("library", "check", library, "--strict").code == 1
        assert opsvi("library", "check", library).out.count("\t") == 4
