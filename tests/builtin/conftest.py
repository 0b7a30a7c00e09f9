"""`provider(name, ...)`: a built-in part as a run builds it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext

KEY = "sk-preset-0123456789abcdef"


@pytest.fixture
def part(home: Path, tmp_path: Path) -> Callable[..., Any]:
    """`part(kind, name, env=..., key=..., **options)`; `key` is what the setting api_key refers to."""

    def make(kind: str, name: str, *, env: dict[str, str] | None = None, key: str = KEY, **options: Any) -> Any:
        values = {**os.environ, "THE_KEY": key, "OPSVI_HTTP__READ_TIMEOUT": "20", **(env or {})}
        app = AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=values, cwd=str(tmp_path))
        named = {"api_key": "env:THE_KEY"} if key else {}
        return app.part(kind, name, {**named, **options})  # type: ignore[arg-type]  # the test names a kind

    return make
