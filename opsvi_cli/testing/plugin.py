"""The pytest plugin: fixtures. Loaded in every test run where opsvi is installed, so it imports nothing of opsvi."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from opsvi_cli.sdk import Services, StoreBackend

    from .fakes import FakeEmbedder, FakeProvider
    from .runner import Result


@pytest.fixture
def opsvi_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty OPSVI_HOME and HOME. Variables of opsvi, of OpenAI and of XDG are not seen."""
    for name in list(os.environ):
        if name.startswith(("OPSVI_", "OPENAI_", "XDG_")) or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    path = tmp_path / "home"
    monkeypatch.setenv("OPSVI_HOME", str(path))
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return path


@pytest.fixture
def opsvi(opsvi_home: Path, tmp_path: Path) -> Callable[..., Result]:
    """Run opsvi in this process: `opsvi("search", "x", "--json", stdin="...", env={...}, cwd=path) -> Result`.

    `Result` has `code`, `out`, `err`, and stdout parsed as `json` or `jsonl`. The working directory is `tmp_path`
    unless `cwd` says otherwise.
    """
    from .runner import run_opsvi

    def call(*args: object, cwd: Path | str | None = None, **more: Any) -> Result:
        return run_opsvi(*args, cwd=cwd or tmp_path, **more)

    return call


@pytest.fixture
def opsvi_services(opsvi_home: Path, tmp_path: Path) -> Callable[..., Services]:
    """`opsvi_services(name="shout", **options) -> Services`: what opsvi builds a part with, for real.

    Secrets, log, the guarded HTTP client and the folders are those of a run in `opsvi_home`.
    """

    def call(name: str = "part", **options: Any) -> Services:
        from opsvi_cli.context import AppContext

        app = AppContext(cwd=str(tmp_path), stdin=None)
        return app.foundation.for_part("part", name, options)

    return call


@pytest.fixture
def fake_provider() -> FakeProvider:
    """A provider without a server. Set `fake_provider.replies`; `fake_provider.requests` holds what was asked."""
    from .fakes import FakeProvider

    return FakeProvider()


@pytest.fixture
def fake_embedder() -> FakeEmbedder:
    """An embedder of 8 numbers without a model; `fake_embedder.texts` holds what was embedded."""
    from .fakes import FakeEmbedder

    return FakeEmbedder()


@pytest.fixture
def fake_store(opsvi_services: Callable[..., Services]) -> StoreBackend:
    """A store in memory, empty, of this test alone."""
    from opsvi_cli.builtin.store_memory import MemoryBackend

    return MemoryBackend(opsvi_services("fake"))
