"""`opsvi new-library NAME --kind plugin --part PART`: green at once, whatever the part and name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from opsvi_cli.scaffold.create import render_all
from opsvi_cli.scaffold.manifest import read_manifest
from opsvi_cli.scaffold.templates import PACKAGED, Template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = Template("plugin", "built-in", PACKAGED / "plugin", read_manifest(PACKAGED / "plugin"))
PARTS = next(question.choices for question in TEMPLATE.manifest.questions if question.name == "part")
LONGEST = "a-name-of-sixty-characters-that-somebody-may-really-choose-x"


def make(folder: Path, name: str, part: str, **given: str) -> Path:
    """The plugin `name` in a folder of that name."""
    answers = TEMPLATE.manifest.defaults
    for file in render_all(TEMPLATE, name, (), (), {**answers, "part": part, **given}):
        path = folder / name / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.data)
    return folder / name


def run(command: Sequence[str | Path], cwd: Path, **env: str) -> str:
    """What the command printed; its end is the message when it fails."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}\n{(done.stdout + done.stderr)[-4000:]}"
    return done.stdout


def installed(project: Path, site: Path) -> str:
    """What `pip install -e` leaves behind, without the time it takes: metadata in `site`. The path to import by."""
    told = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    info = site / f"{told['name'].replace('-', '_')}-{told['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n")
    points = "".join(f"{name} = {target}\n" for name, target in told["entry-points"]["opsvi"].items())
    (info / "entry_points.txt").write_text(f"[opsvi]\n{points}")
    return os.pathsep.join((str(site), str(project / "src")))


@pytest.mark.parametrize("part", PARTS)
def test_its_own_tests_pass(part: str, tmp_path: Path) -> None:
    """They list the plugin, hold its part to the contract, and use it through opsvi."""
    project = make(tmp_path, "opsvi-tides", part)
    path = installed(project, tmp_path / "site")
    run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"], project, PYTHONPATH=path)


@pytest.mark.slow
def test_its_types_are_right(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """As its own settings ask for: strict. What mypy learned of opsvi with one part serves the next."""
    for part in PARTS:
        run([sys.executable, "-m", "mypy", "--cache-dir", tmp_path / "cache"], make(tmp_path, f"opsvi-my-{part}", part))


@pytest.mark.parametrize("name", ["ab", "opsvi-tides", LONGEST])
def test_code_is_clean_whatever_the_length_of_the_name(name: str, tmp_path: Path) -> None:
    for part in PARTS:
        make(tmp_path / part, name, part)
    run([sys.executable, "-m", "ruff", "check", "--no-cache", "."], tmp_path)
    run([sys.executable, "-m", "ruff", "format", "--no-cache", "--check", "."], tmp_path)


@pytest.mark.parametrize("license_", ["MIT", "Apache-2.0", "BSD-3-Clause"])
def test_the_licence_is_the_one_chosen(license_: str, tmp_path: Path) -> None:
    project = make(tmp_path, "opsvi-tides", "tool", license=license_, author='Ana "A" Novak', year="2026")
    told = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    text = (project / "LICENSE").read_text()
    assert (told["license"], told["authors"]) == (license_, [{"name": 'Ana "A" Novak'}])
    assert text.splitlines()[0].split()[0] == license_.split("-")[0]
    assert ('Copyright (c) 2026 Ana "A" Novak' in text) == (license_ != "Apache-2.0")


def test_every_part_has_a_layer_and_every_layer_a_part() -> None:
    assert sorted(path.name for path in (TEMPLATE.root / "layers").iterdir()) == sorted(PARTS)


def test_only_plugins_that_reach_outside_ask_for_it(tmp_path: Path) -> None:
    asked = {}
    for part in PARTS:
        project = make(tmp_path, f"opsvi-my-{part}", part)
        (path,) = project.glob("src/*/opsvi-plugin.toml")
        asked[part] = tomllib.loads(path.read_text())["permissions"]
    assert {part: permissions for part, permissions in asked.items() if permissions} == {
        "provider": ["network", "secrets"],
        "secret-store": ["files", "secrets"],
        "store": ["files"],
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_of_them_live_in_a_fresh_environment(tmp_path: Path) -> None:
    """Installed beside opsvi; listed, tested, checked and built there, as their CI does it."""
    projects = {part: make(tmp_path, f"opsvi-my-{part}", part) for part in PARTS}
    venv = tmp_path / "venv"
    python = venv / "bin" / "python"
    run(["uv", "venv", "--quiet", "--python", sys.executable, venv], tmp_path)
    editable = [word for project in (ROOT, *projects.values()) for word in ("--editable", str(project))]
    groups = [word for project in projects.values() for word in ("--group", f"{project}/pyproject.toml:dev")]
    run(["uv", "pip", "install", "--quiet", "--python", python, *editable, *groups], tmp_path)
    outside = {"OPSVI_HOME": str(tmp_path / "home"), "PYTHONPATH": ""}
    listed = json.loads(run([venv / "bin" / "opsvi", "plugins", "list", "--json"], tmp_path, **outside))
    assert {row["name"]: (row["status"], row["parts"]) for row in listed if row["name"] != "opsvi"} == {
        f"my-{part}": ("ok", [f"{part.replace('-', '_')}:my-{part}"]) for part in PARTS
    }
    for part, project in projects.items():
        run([python, "-m", "pytest", "-q"], project, **outside)
        run([venv / "bin" / "opsvi", "plugins", "check", f"my-{part}", "--strict"], tmp_path, **outside)
        run([python, "-m", "build", "--installer", "uv"], project, **outside)
        (wheel,) = (project / "dist").glob("*.whl")
        inside = {Path(name).name for name in zipfile.ZipFile(wheel).namelist()}
        assert {"plugin.py", "py.typed", "opsvi-plugin.toml", "LICENSE"} <= inside
        assert ("template.toml" in inside) == (part == "template")
