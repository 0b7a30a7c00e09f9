"""`--verify`: what the library's CI would say, in a copy and an environment that are thrown away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opsvi_cli.errors import OpsviError

from .record import PYPROJECT

_TAIL = 15


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried; `output` is the end of what it printed when it failed."""

    name: str
    ok: bool
    output: str = ""


def verify(project: Path, env: Mapping[str, str]) -> Iterator[Step]:
    """Install, test, lint, check format and types, and build, each told as it ends; after a failed install no more.

    Raises OpsviError when no environment can be made.
    """
    if not (project / PYPROJECT).is_file():
        raise OpsviError(f"--verify: {project} has no {PYPROJECT}", hint="leave --verify out")
    with tempfile.TemporaryDirectory(prefix="opsvi-verify-") as temporary:
        place = Path(temporary)
        copy = place / project.name
        shutil.copytree(project, copy, ignore=shutil.ignore_patterns(".git"))
        venv = place / "venv"
        environment = _environment(env, venv)
        for name, command in _steps(venv, env):
            step = _run(name, command, copy, environment)
            yield step
            if not step.ok and name == "install":
                return


def _environment(env: Mapping[str, str], venv: Path) -> dict[str, str]:
    """Nothing of the caller's own environment of Python is seen by the steps."""
    kept = {name: value for name, value in env.items() if not name.startswith(("PYTHON", "OPSVI_", "VIRTUAL_ENV"))}
    return {**kept, "PATH": f"{venv / _BIN}{os.pathsep}{kept.get('PATH', '')}", "VIRTUAL_ENV": str(venv)}


_BIN = "Scripts" if os.name == "nt" else "bin"


def _steps(venv: Path, env: Mapping[str, str]) -> list[tuple[str, list[list[str]]]]:
    python = str(venv / _BIN / "python")
    uv = shutil.which("uv", path=env.get("PATH"))
    installer = ["--installer", "uv"] if uv else []
    if uv:
        install = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(venv)],
            [uv, "pip", "install", "--quiet", "--python", python, *_own(), "--editable", ".", "--group", "dev"],
        ]
    else:
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        install = [
            [sys.executable, "-m", "venv", str(venv)],
            [*pip, "--upgrade", "pip>=25.1"],
            [*pip, *_own(), "--editable", ".", "--group", "dev"],
        ]
    return [
        ("install", install),
        ("test", [[python, "-m", "pytest", "-q"]]),
        ("lint", [[python, "-m", "ruff", "check", "."]]),
        ("format", [[python, "-m", "ruff", "format", "--check", "."]]),
        ("types", [[python, "-m", "mypy"]]),
        ("build", [[python, "-m", "build", *installer, "--outdir", str(venv.parent / "dist")]]),
    ]


def _own() -> list[str]:
    """This opsvi as a requirement, for a plugin that needs it: from where it was installed itself."""
    import json
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        own = distribution("opsvi")
    except PackageNotFoundError:
        return []
    origin = own.read_text("direct_url.json")
    if not origin:
        return [f"opsvi=={own.version}"]
    found = json.loads(origin)
    return ["--editable", found["url"]] if found.get("dir_info", {}).get("editable") else [f"opsvi @ {found['url']}"]


def _run(name: str, commands: Sequence[Sequence[str]], cwd: Path, env: Mapping[str, str]) -> Step:
    for command in commands:
        try:
            done = subprocess.run(
                command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
        except OSError as error:
            return Step(name, False, f"{command[0]}: {error.strerror}")
        if done.returncode:
            lines = (done.stdout + done.stderr).strip().splitlines()
            return Step(name, False, "\n".join(lines[-_TAIL:]))
    return Step(name, True)
