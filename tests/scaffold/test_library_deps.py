"""`opsvi library deps` against a folder of wheels: real uv, real pip."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = """\
# The project
[project]
name = "ocean-data"
requires-python = ">=3.11"
dependencies = [
    # kept: the first
    "alpha >= 1.0, <3",   # why alpha
    "beta[extra]>=1.5; python_version >= '3.9'",
    "gamma",
    "delta==1.0",
    "nobody>=1",
    "held>=1,<2",
    "url @ https://example.org/url-1.0-py3-none-any.whl",
]

[project.optional-dependencies]
more = ["Alpha>=2.0"]

[dependency-groups]
dev = ["beta~=2.0", { include-group = "test" }]
test = ["gamma>=0.9"]
"""


def _wheel(folder: Path, name: str, version: str) -> None:
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(params=["uv", "pip"])
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project, with an index that is a folder, for one of the two tools."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name, versions in {
        "alpha": "1.0 2.1",
        "beta": "1.5 2.0",
        "gamma": "0.9",
        "delta": "1.0",
        "held": "1.0 2.0",
    }.items():
        for version in versions.split():
            _wheel(wheels, name, version)
    (tmp_path / "uv.toml").write_text(f'no-index = true\nfind-links = ["{wheels}"]\n')
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv.toml"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    if request.param == "pip":
        monkeypatch.setattr("opsvi_cli.scaffold.dependencies.shutil.which", lambda *_, **__: None)
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text(PROJECT)
    (root / "uv.lock").write_text('version = 1\n[[package]]\nname = "alpha"\nversion = "2.0"\n')
    return root


def test_the_table(project: Path, opsvi: Callable[..., Any]) -> None:
    done = opsvi("library", "deps", project, "--json")
    assert done.code == 0, done.err
    rows = [(row["group"], row["name"], row["floor"], row["locked"], row["latest"], row["status"]) for row in done.json]
    assert rows == [
        ("dependencies", "alpha", "1.0", "2.0", "2.1", "outdated"),
        ("dependencies", "beta", "1.5", "", "2.0", "outdated"),
        ("dependencies", "gamma", "", "", "0.9", "outdated"),
        ("dependencies", "delta", "1.0", "", "1.0", "ok"),
        ("dependencies", "nobody", "1", "", "", "unknown"),
        ("dependencies", "held", "1", "", "2.0", "held"),
        ("dependencies", "url", "", "", "", "other"),
        ("extra more", "Alpha", "2.0", "2.0", "2.1", "outdated"),
        ("group dev", "beta", "2.0", "", "2.0", "ok"),
        ("group test", "gamma", "0.9", "", "0.9", "ok"),
    ]
    assert (project / "pyproject.toml").read_text() == PROJECT


def test_write_raises_lower_bounds_and_keeps_comments_and_order(project: Path, opsvi: Callable[..., Any]) -> None:
    done = opsvi("library", "deps", project, "--write")
    assert done.code == 0, done.err
    assert "raised 4 of 10 lower bounds" in done.err
    expected = PROJECT
    for old, new in (
        ('"alpha >= 1.0, <3"', '"alpha >= 2.1, <3"'),
        ("beta[extra]>=1.5;", "beta[extra]>=2.0;"),
        ('"gamma",', '"gamma>=0.9",'),
        ("Alpha>=2.0", "Alpha>=2.1"),
    ):
        expected = expected.replace(old, new)
    assert (project / "pyproject.toml").read_text() == expected
    again = opsvi("library", "deps", project, "--write")
    assert "raised 0 of" in again.err


@pytest.mark.parametrize("text", ["[project]\ndependencies = ['not a requirement!!']\n", "[project\n"])
def test_a_file_that_is_wrong_is_said_in_one_line(tmp_path: Path, opsvi: Callable[..., Any], text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    done = opsvi("library", "deps")
    assert done.code == 1
    assert len(done.err.splitlines()) == 2


def test_without_a_project(tmp_path: Path, opsvi: Callable[..., Any]) -> None:
    assert "there is no pyproject.toml" in opsvi("library", "deps", cwd=tmp_path).err
