"""Fixtures for every test: a private home, and the real binary. `opsvi_cli.testing` has the others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from opsvi_cli.testing import Result

pytest_plugins = ["server_fixtures"]

# uv, pipx, ruff and mypy of the test environment are found by name, as if it had been activated.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
"""Public documents and collections that are not part of the repository."""


@pytest.fixture(autouse=True)
def home(opsvi_home: Path) -> Path:
    """An empty OPSVI_HOME and HOME for every test; nothing of the developer's machine is seen."""
    return opsvi_home


@pytest.fixture
def opsvi_process(home: Path, tmp_path: Path) -> Callable[..., Result]:
    """Run the real program in a child process; for signals, pipes and imports."""

    def call(
        *args: object,
        stdin: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        timeout: float = 110,
    ) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "opsvi_cli", *(str(arg) for arg in args)],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            cwd=cwd or tmp_path,
            timeout=timeout,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return call
