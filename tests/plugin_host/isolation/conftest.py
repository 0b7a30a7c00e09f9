"""Environments with sample plugins in them: made by the code under test, once for those that are only used."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from plugin_host.isolation.wheels import write_wheel

from opsvi_cli.context import AppContext
from opsvi_cli.plugin_host.isolation import environment
from opsvi_cli.plugin_host.isolation.environment import IsolatedPlugin

HERE = Path(__file__).parent
BUILTIN = Path(environment.__file__).parents[2] / "builtin"


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture(autouse=True)
def installer(uv_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv of this environment, with a cache that the tests share."""
    monkeypatch.setenv("UV_CACHE_DIR", str(uv_cache))
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    return folder


@pytest.fixture
def app(home: Path, tmp_path: Path) -> Iterator[AppContext]:
    context = AppContext(env=dict(os.environ), cwd=str(tmp_path))
    yield context
    context.close()


Isolate = Callable[..., IsolatedPlugin]


@pytest.fixture
def isolate(app: AppContext, wheels: Path) -> Isolate:
    """`isolate("red", source, requires=["clash==1"])`: distribution opsvi-red, whose module red_plugin is `source`."""

    def call(
        name: str,
        source: str,
        *,
        requires: Sequence[str] = (),
        files: Mapping[str, str] | None = None,
        version: str = "1.0",
    ) -> IsolatedPlugin:
        wheel = write_wheel(
            wheels,
            f"opsvi-{name}",
            version,
            {f"{name}_plugin.py": source, **(files or {})},
            requires=requires,
            plugins={name: f"{name}_plugin"},
        )
        return environment.install(app, str(wheel), f"opsvi-{name}", pip_options=["--find-links", str(wheels)])

    return call


@pytest.fixture(scope="session")
def zoo_environment(tmp_path_factory: pytest.TempPathFactory, uv_cache: Path) -> Path:
    """An installed opsvi-zoo, with numpy and httpx2."""
    folder = tmp_path_factory.mktemp("zoo")
    store = (BUILTIN / "store_memory.py").read_text().replace("opsvi_cli.builtin.store_checks", "zoo_checks")
    wheel = write_wheel(
        folder,
        "opsvi-zoo",
        files={
            "zoo_plugin.py": (HERE / "zoo_plugin.py").read_text(),
            "zoo_store.py": store,
            "zoo_checks.py": (BUILTIN / "store_checks.py").read_text(),
            "zoo_plugin_data/__init__.py": "raise SystemExit('imported')\n",
            "zoo_plugin_data/template/template.toml": "summary = 'x'\n",
        },
        requires=["numpy", "httpx2", "opsvi>=0"],
        plugins={"zoo": "zoo_plugin"},
    )
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {**os.environ, "OPSVI_HOME": str(folder / "home"), "UV_CACHE_DIR": str(uv_cache), "PATH": path}
    environment.install(AppContext(env=env, cwd=str(folder)), str(wheel), "opsvi-zoo")
    return folder / "home" / "data" / "plugins" / "opsvi-zoo"


@pytest.fixture
def zoo(zoo_environment: Path, home: Path) -> Path:
    """The sample plugin, installed in this test's home."""
    place = home / "data" / "plugins" / "opsvi-zoo"
    place.parent.mkdir(parents=True)
    place.symlink_to(zoo_environment)
    return place
