"""A run built by hand: `make_app(env=..., cwd=...)`, and a child process that says when it is ready."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.global_options import GlobalOptions

Run = Callable[..., AppContext]
Child = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def make_app(tmp_path: Path) -> Run:
    def make(
        env: Mapping[str, str] | None = None, cwd: Path | None = None, options: GlobalOptions | None = None
    ) -> AppContext:
        return AppContext(
            out=io.StringIO(),
            err=io.StringIO(),
            stdin=None,
            env={**os.environ, **(env or {})},
            options=options or GlobalOptions(),
            cwd=str(cwd or tmp_path),
        )

    return make


@pytest.fixture
def child() -> Iterator[Child]:
    """Start Python code in another process; it must print a line when it is ready, and is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
