"""Real environments with opsvi in them, one of each kind, made once and left by each test as it found them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from wheels_of_plugins import good, write_wheel

ROOT = Path(__file__).resolve().parents[3]
TOOLS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
UV = shutil.which("uv", path=TOOLS) or "uv"
# Asked before a test has a home of its own: packages are downloaded once.
CACHE = subprocess.run([UV, "cache", "dir"], capture_output=True, text=True, check=True).stdout.strip()


@dataclass
class Home:
    """An environment with opsvi: `opsvi("plugins", "list")` runs its program in a home of its own."""

    kind: str
    python: Path
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *argv: object, check: bool = True, **more: Any) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(word) for word in argv],
            env=self.env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
            **more,
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def opsvi(self, *args: object, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run(self.python.parent / "opsvi", *args, check=check)

    def freeze(self) -> list[str]:
        """Every distribution with its version and where it is from, as uv sees them."""
        return self.run(UV, "pip", "freeze", "--python", self.python).stdout.splitlines()

    def papers(self) -> dict[str, str]:
        """What the installer keeps in writing about the environment."""
        names = ("uv-receipt.toml", "pipx_metadata.json")
        places = [self.python.parent.parent / name for name in names]
        return {place.name: place.read_text() for place in places if place.exists()}


@pytest.fixture(scope="session")
def opsvi_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: `zz-one` in three versions of which the last is broken, and others."""
    folder = tmp_path_factory.mktemp("wheels")
    write_wheel(folder, "zz-one", "1.0", good("one", "1.0", "zz_one"), requires=["opsvi>=0.0.1"])
    write_wheel(folder, "zz-one", "2.0", good("one", "2.0", "zz_one"), requires=["opsvi>=0.0.1", "zz-dependency"])
    write_wheel(folder, "zz-one", "3.0", "raise RuntimeError('three is broken')")
    write_wheel(folder, "zz-two", "1.0", good("two", "1.0", "zz_two"))
    write_wheel(folder, "zz-greedy", "1.0", good("greedy", "1.0", "zz_greedy"), requires=["opsvi>=99"])
    write_wheel(folder, "zz-thief", "1.0", good("one", "1.0", "zz_thief"), points="[opsvi]\na-thief = zz_thief\n")
    write_wheel(folder, "zz-dependency", "1.0", "", points="")
    return folder


def _make(kind: str, folder: Path, wheel: Path) -> Home:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "PIP", "XDG_", "OPSVI_"))}
    kept.pop("VIRTUAL_ENV", None)
    kept.pop("PYTHONPATH", None)
    env = {
        **kept,
        "PATH": TOOLS,
        "HOME": str(folder / "user"),
        "OPSVI_HOME": str(folder / "home"),
        "UV_CACHE_DIR": CACHE,
        "UV_TOOL_DIR": str(folder / "tools"),
        "UV_TOOL_BIN_DIR": str(folder / "bin"),
        "PIPX_HOME": str(folder / "pipx"),
        "PIPX_BIN_DIR": str(folder / "bin"),
        "PIPX_MAN_DIR": str(folder / "man"),
    }
    (folder / "user").mkdir(parents=True)
    venv = {"uv-tool": folder / "tools" / "opsvi", "pipx": folder / "pipx" / "venvs" / "opsvi"}.get(kind)
    home = Home(kind, (venv or folder / ".venv") / "bin" / "python", folder, env)
    if kind == "uv-tool":
        home.run(UV, "tool", "install", "--quiet", "--python", sys.executable, wheel)
    elif kind == "pipx":
        home.run(shutil.which("pipx", path=TOOLS) or "pipx", "install", "--python", sys.executable, wheel)
    else:
        seed = ["--seed"] if kind == "pip" else []
        home.run(UV, "venv", "--quiet", "--python", sys.executable, *seed, folder / ".venv")
        home.run(UV, "pip", "install", "--quiet", "--python", home.python, wheel)
    return home


@pytest.fixture(scope="session")
def make_home(tmp_path_factory: pytest.TempPathFactory, opsvi_wheel: Path) -> Iterator[Callable[[str], Home]]:
    """`make_home("pip")`: the environment of that kind, made when it is first asked for."""
    made: dict[str, Home] = {}

    def call(kind: str) -> Home:
        if kind not in made:
            made[kind] = _make(kind, tmp_path_factory.mktemp(kind), opsvi_wheel)
        return made[kind]

    yield call
    for home in made.values():
        shutil.rmtree(home.folder, ignore_errors=True)
