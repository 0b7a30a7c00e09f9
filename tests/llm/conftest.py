"""Model servers, and a run whose stdout is a terminal."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from server_fixtures import fault_server, llama_embeddings, llama_server

from opsvi_cli.app import run
from opsvi_cli.context import AppContext

__all__ = ["fault_server", "llama_embeddings", "llama_server"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def on_terminal(home: Path, tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    """Run opsvi with a terminal as stdout: (exit code, stdout, stderr)."""

    def call(*args: str, env: Mapping[str, str]) -> tuple[int, str, str]:
        out, err = _Terminal(), _Terminal()
        app = AppContext(out=out, err=err, stdin=None, env={**os.environ, **env}, cwd=str(tmp_path))
        code = run(args, app)
        return int(code), out.getvalue(), err.getvalue()

    return call


@pytest.fixture
def part(home: Path, tmp_path: Path) -> Callable[..., Any]:
    """Build the `openai` embedder: `part(base_url=..., key=..., model=...)`."""

    def make(*, key: str = "", **options: object) -> Any:
        env = {**os.environ, "OPENAI_API_KEY": key}
        app = AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=env, cwd=str(tmp_path))
        named = {"api_key": "env:OPENAI_API_KEY"} if key else {}
        return app.part("embedder", "openai", {**named, **options})

    return make
