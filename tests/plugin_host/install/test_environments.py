"""Plugins go in and out of opsvi's environment the way opsvi went in, and a bad one leaves no trace."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

KINDS = ("pip", "uv", "uv-tool", "pipx")
pytestmark = pytest.mark.slow


@pytest.fixture(params=KINDS)
def environment(request: pytest.FixtureRequest, make_home: Callable[[str], Any]) -> Iterator[Any]:
    """An environment of each kind; it has to be left as it was found."""
    home = make_home(request.param)
    before, papers = home.freeze(), home.papers()
    yield home
    assert home.freeze() == before
    if home.kind != "uv-tool":  # its receipt keeps where wheels were found
        assert home.papers() == papers


@pytest.fixture
def here(wheels: Path) -> tuple[str, ...]:
    """Options that make the folder of wheels the only place where packages are."""
    return ("--find-links", str(wheels), "--no-index", "--yes")


def _plugins(home: Any) -> dict[str, tuple[str, str]]:
    rows = json.loads(home.opsvi("plugins", "list", "--json").stdout)
    return {row["name"]: (row["version"], row["status"]) for row in rows if row["origin"] != "built-in"}


def test_from_install_to_uninstall(environment: Any, here: tuple[str, ...]) -> None:
    done = environment.opsvi("plugins", "install", "zz-one==1.0", *here)
    assert "installed zz-one 1.0: reranker:one" in done.stderr
    assert _plugins(environment) == {"zz-one": ("1.0", "ok")}
    assert environment.opsvi("plugins", "freeze").stdout == "zz-one==1.0\n"

    environment.opsvi("plugins", "install", "--upgrade", "zz-one<3", *here)
    assert _plugins(environment) == {"zz-one": ("2.0", "ok")}
    assert environment.opsvi("plugins", "freeze").stdout == "zz-one==2.0\n"
    assert "zz-dependency==1.0" in environment.freeze()

    environment.opsvi("plugins", "uninstall", "zz-one", "--yes")
    assert _plugins(environment) == {}
    assert environment.opsvi("plugins", "freeze").stdout == ""
    if environment.kind in ("pip", "uv"):  # these leave what a plugin needed
        environment.run("uv", "pip", "uninstall", "--python", environment.python, "zz-dependency")


@pytest.mark.parametrize("environment", ["pip", "uv-tool"], indirect=True)
def test_a_plugin_that_does_not_load_is_undone(environment: Any, here: tuple[str, ...]) -> None:
    before, papers = environment.freeze(), environment.papers()
    done = environment.opsvi("plugins", "install", "zz-one==3.0", *here, check=False)
    assert done.returncode == 7
    assert "three is broken" in done.stderr
    assert environment.freeze() == before
    assert environment.papers() == papers
    assert environment.opsvi("plugins", "freeze").stdout == ""


def test_a_bad_upgrade_gives_the_former_version_back(environment: Any, here: tuple[str, ...]) -> None:
    environment.opsvi("plugins", "install", "zz-one==2.0", *here)
    before, papers = environment.freeze(), environment.papers()
    done = environment.opsvi("plugins", "install", "-U", "zz-one", *here, check=False)
    assert done.returncode == 7, done.stderr
    assert environment.freeze() == before
    assert environment.papers() == papers
    assert _plugins(environment) == {"zz-one": ("2.0", "ok")}

    done = environment.opsvi("plugins", "install", "zz-thief", *here, check=False)
    assert done.returncode == 7, done.stderr
    assert "already registered by" in done.stderr
    assert environment.freeze() == before
    environment.opsvi("plugins", "uninstall", "zz-one", "--yes")
    if environment.kind in ("pip", "uv"):
        environment.run("uv", "pip", "uninstall", "--python", environment.python, "zz-dependency")


@pytest.mark.parametrize("environment", ["pip", "uv-tool", "pipx"], indirect=True)
def test_opsvi_is_not_replaced_for_a_plugin(environment: Any, here: tuple[str, ...]) -> None:
    papers = environment.papers()
    done = environment.opsvi("plugins", "install", "zz-greedy", *here, check=False)
    assert done.returncode == 1
    assert "opsvi" in done.stderr
    assert "hint:" in done.stderr
    assert environment.papers() == papers


@pytest.mark.parametrize("environment", ["uv-tool"], indirect=True)
def test_a_folder_of_wheels_does_not_shut_out_the_index_for_ever(environment: Any, here: tuple[str, ...]) -> None:
    """uv writes the options of an installation into its receipt, and upgrades with them."""
    environment.opsvi("plugins", "install", "zz-one==1.0", *here)
    assert "no-index" not in environment.papers()["uv-receipt.toml"]
    assert "find-links" in environment.papers()["uv-receipt.toml"]
    environment.opsvi("plugins", "uninstall", "zz-one", "--yes")
