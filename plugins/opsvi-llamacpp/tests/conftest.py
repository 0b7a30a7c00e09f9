"""A tiny GGUF model of random weights, made here, and opsvi in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "servers"))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tiny_gguf import write_model
    from tiny_reranker import write_reranker

    folder = tmp_path_factory.mktemp("models")
    write_model(folder / "tiny.gguf")
    write_reranker(folder / "judge.gguf")
    (folder / "broken.gguf").write_bytes(b"GGUF" + b"\0" * 64)
    (folder / "text.gguf").write_text("this is no model")
    return folder


@pytest.fixture
def run(opsvi_home: Path, models: Path, tmp_path: Path) -> Callable[..., Any]:
    """The real program in a process of its own: what it starts must end with it."""

    def call(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
        settings = {"OPSVI_PROVIDERS__GGUF__MODELS": str(models), "OPSVI_PROVIDERS__GGUF__THREADS": "1"}
        settings |= {"OPSVI_PARTS__GGUF__MODELS": str(models), "OPSVI_PARTS__GGUF__THREADS": "1"}
        return subprocess.run(
            [sys.executable, "-m", "opsvi_cli", *args],
            env={**os.environ, **settings, **env},
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return call


def servers() -> list[int]:
    """Process ids of servers that run."""
    found = subprocess.run(["pgrep", "-f", "opsvi_llamacpp.serve"], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]
