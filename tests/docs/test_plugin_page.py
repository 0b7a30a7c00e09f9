"""docs/plugins.md: its files are written, its commands run, its tables compared with the plugin API."""

from __future__ import annotations

import inspect
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from opsvi_cli.sdk import Hooks, Registry

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
FILE = re.compile(r"^`([^`\n]+)`(?:, to try it with)?:\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The plugin as the page writes it."""
    root = tmp_path / "opsvi-subtitles"
    for name, text in FILE.findall(PAGE):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """`opsvi` and `python` on the PATH are those of this test."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, command in (("opsvi", f'"{sys.executable}" -m opsvi_cli'), ("python", f'"{sys.executable}"')):
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (programs / name).chmod(0o755)
    return {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


def _install(folder: Path, site: Path) -> None:
    """What `pip install -e .` leaves behind: the metadata with the entry points, and the path of the sources."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = "".join(f"{name} = {target}\n" for name, target in project["entry-points"]["opsvi"].items())
    (info / "entry_points.txt").write_text(f"[opsvi]\n{points}")


def test_the_page_writes_a_whole_plugin(folder: Path) -> None:
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        "pyproject.toml",
        "src/opsvi_subtitles/__init__.py",
        "src/opsvi_subtitles/plugin.py",
        "src/opsvi_subtitles/reader.py",
        "talk.srt",
        "tests/test_reader.py",
    ]


def test_every_command_of_the_page_gives_what_the_page_shows(folder: Path, env: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    for block in CONSOLE.findall(PAGE):
        for command, expected in re.findall(r"^\$ ([^\n]+)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            if command == "pip install -e .":
                _install(folder, tmp_path / "site")
                env["PYTHONPATH"] = f"{tmp_path / 'site'}{os.pathsep}{folder / 'src'}"
                continue
            done = subprocess.run(
                ["sh", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=100, check=False
            )
            assert done.stdout == expected, (command, done.stderr)


def test_the_page_names_every_hook_with_its_arguments() -> None:
    for name, hook in inspect.getmembers(Hooks, inspect.isfunction):
        arguments = [word for word in inspect.signature(hook).parameters if word != "self"]
        shown = ", ".join(f"`{word}`" for word in arguments) or "none"
        assert f"| `{name}` | {shown} |" in PAGE


def test_the_page_names_every_kind_that_can_be_registered() -> None:
    own = {"add", "parts", "find", "drop_plugin"}
    methods = {name for name, _ in inspect.getmembers(Registry, inspect.isfunction) if not name.startswith("_")} - own
    assert methods == set(re.findall(r"`registry\.(\w+)`", PAGE))
