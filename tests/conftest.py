"""Fixtures for every test: a private home, a runner in process, and the real binary."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.app import run
from opsvi_cli.context import AppContext

pytest_plugins = ["server_fixtures"]

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
"""Public documents and collections that are not part of the repository."""


@dataclass
class Result:
    """What a run gave: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def jsonl(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


class _Stream(io.StringIO):
    """A text stream that may say it is a terminal."""

    def __init__(self, text: str = "", *, tty: bool = False) -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty OPSVI_HOME and HOME; nothing of the developer's machine is seen."""
    for name in list(os.environ):
        if name.startswith(("OPSVI_", "OPENAI_", "XDG_")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    path = tmp_path / "home"
    monkeypatch.setenv("OPSVI_HOME", str(path))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return path


@pytest.fixture
def opsvi(home: Path, tmp_path: Path) -> Callable[..., Result]:
    """Run opsvi in this process: `opsvi("search", "x", "--json", stdin="...", env={...}, cwd=path)`."""

    def call(
        *args: object, stdin: str | bytes | None = None, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Result:
        out, err = _Stream(), _Stream()
        text = stdin.decode("latin-1") if isinstance(stdin, bytes) else stdin
        source: Any = _Stream(text or "", tty=stdin is None)
        if isinstance(stdin, bytes):
            source = io.TextIOWrapper(io.BytesIO(stdin))
        app = AppContext(out=out, err=err, stdin=source, env={**os.environ, **(env or {})}, cwd=str(cwd or tmp_path))
        code = run([str(arg) for arg in args], app)
        return Result(int(code), out.getvalue(), err.getvalue())

    return call


@pytest.fixture
def opsvi_process(home: Path, tmp_path: Path) -> Callable[..., Result]:
    """Run the real program in a child process; for signals, pipes and imports."""

    def call(
        *args: object, stdin: str | None = None, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "opsvi_cli", *(str(arg) for arg in args)],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            cwd=cwd or tmp_path,
            timeout=110,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return call
