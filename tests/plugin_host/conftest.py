"""Little distributions with entry points, installed into a folder on the module path."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.plugin_host.host import Plugins, load_plugins

Install = Callable[..., None]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty site directory, on the path of this process and its children; its modules are forgotten afterwards."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Install:
    """`install("shout", source)`: distribution opsvi-shout 1.0 whose entry point names a module with this source.

    `points` replaces the text of entry_points.txt below `[opsvi]`; `source` None writes no module.
    """

    def call(name: str, source: str | None, *, points: str = "", version: str = "1.0", raw: bytes = b"") -> None:
        module = f"zoo_{name.replace('-', '_')}"
        if source is not None:
            (site / f"{module}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        info = site / f"opsvi_{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: opsvi-{name}\nVersion: {version}\n")
        text = raw or f"[opsvi]\n{points or f'{name} = {module}'}\n".encode()
        (info / "entry_points.txt").write_bytes(text)

    return call


@pytest.fixture
def warnings() -> list[str]:
    return []


@pytest.fixture
def plugins(site: Path, warnings: list[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plugins]:
    """The plugins of a fresh run with these environment variables; what it warns of is kept in `warnings`."""

    def call(**env: str) -> Plugins:
        import os

        app = AppContext(env={**os.environ, **env})
        monkeypatch.setattr(app.log, "warning", lambda form, *values: warnings.append(form % values))
        return load_plugins(app)

    return call
