"""What happens to plugins and environments over time: upgrades, projects, other sources, Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from wheels_of_plugins import good, write_wheel

pytestmark = pytest.mark.slow


@pytest.fixture
def environment(request: pytest.FixtureRequest, make_home: Callable[[str], Any]) -> Iterator[Any]:
    """An environment that is left as it was found."""
    home = make_home(request.param)
    before = home.freeze()
    yield home
    assert home.freeze() == before


def _status(home: Any, name: str) -> str:
    rows = json.loads(home.opsvi("plugins", "list", "--json").stdout)
    return next((row["status"] for row in rows if row["name"] == name), "not there")


@pytest.mark.parametrize("environment", ["uv-tool"], indirect=True)
def test_a_plugin_that_an_upgrade_has_lost_comes_back(environment: Any, wheels: Path, opsvi_wheel: Path) -> None:
    here = ("--find-links", wheels, "--no-index")
    environment.opsvi("plugins", "install", "zz-one==1.0", "zz-two", *here, "--yes")
    environment.run("uv", "tool", "install", "--quiet", "--force", "--python", environment.python, opsvi_wheel)
    assert _status(environment, "zz-one") == "missing"
    checks = json.loads(environment.opsvi("doctor", "--json", check=False).stdout)
    (lost,) = [check for check in checks if "missing" in check["detail"]]
    assert lost["detail"] == "2 of the installed plugins are missing: zz-one, zz-two"
    assert lost["hint"] == "opsvi plugins restore"

    asked = environment.opsvi("plugins", "restore", *here, check=False)
    assert asked.returncode == 2
    environment.opsvi("plugins", "restore", *here, "--yes")
    assert (_status(environment, "zz-one"), _status(environment, "zz-two")) == ("ok", "ok")
    # What uv wrote down now keeps them at the next upgrade, and does not hold opsvi to this version.
    receipt = (environment.python.parent.parent / "uv-receipt.toml").read_text()
    assert "zz-two" in receipt
    assert "constraints" not in receipt
    environment.opsvi("plugins", "uninstall", "zz-one", "zz-two", "--yes")


@pytest.mark.parametrize("environment", ["pip"], indirect=True)
def test_what_cannot_be_had_does_not_keep_the_others_out(environment: Any, wheels: Path, tmp_path: Path) -> None:
    file = tmp_path / "plugins.txt"
    file.write_text("zz-one==3.0\nzz-two==1.0\n./gone\n")
    done = environment.opsvi(
        "plugins", "restore", file, "--find-links", wheels, "--no-index", "--yes", "--json", check=False
    )
    assert done.returncode == 3
    states = {plugin["name"]: plugin["status"] for plugin in json.loads(done.stdout)["plugins"]}
    assert states == {"zz-one": "failed", "zz-two": "installed"}
    assert "2 of 3 plugins failed" in done.stderr
    assert environment.opsvi("plugins", "freeze").stdout == "zz-two==1.0\n"
    environment.opsvi("plugins", "uninstall", "zz-two", "--yes")


def test_the_environment_of_a_project_is_its_own(
    make_home: Callable[[str], Any], wheels: Path, request: pytest.FixtureRequest
) -> None:
    home = make_home("uv")
    lock = home.folder / "uv.lock"
    lock.touch()
    request.addfinalizer(lock.unlink)
    before = home.freeze()
    done = home.opsvi("plugins", "install", "zz-two", "--find-links", wheels, "--no-index", "--yes", check=False)
    assert done.returncode == 1
    assert f"the environment of the project {home.folder}" in done.stderr
    assert "hint: uv add zz-two; or: opsvi plugins install --isolated zz-two" in done.stderr
    assert home.freeze() == before


PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "zz-source"
version = "0.5"

[project.entry-points.opsvi]
zz-source = "zz_source"
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a plugin."""
    folder = tmp_path / "repository"
    (folder / "zz_source").mkdir(parents=True)
    (folder / "zz_source" / "__init__.py").write_text(good("source", "0.5", "zz_source"))
    (folder / "pyproject.toml").write_text(PYPROJECT)
    git = ["git", "-C", str(folder), "-c", "user.name=n", "-c", "user.email=n@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"], ["tag", "v1"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("environment", ["uv"], indirect=True)
def test_from_a_folder_and_from_git(environment: Any, repository: Path) -> None:
    environment.opsvi("plugins", "install", repository, "--yes")
    assert _status(environment, "zz-source") == "ok"
    assert environment.opsvi("plugins", "freeze").stdout == f"{repository}\n"
    environment.opsvi("plugins", "uninstall", "zz-source", "--yes")

    address = f"git+{repository.as_uri()}@v1"
    done = environment.opsvi("plugins", "install", address, "--yes", "--json")
    (plugin,) = json.loads(done.stdout)["plugins"]
    assert (plugin["version"], plugin["builds"]) == ("0.5", True)
    commit = subprocess.run(["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True, text=True).stdout
    assert environment.opsvi("plugins", "freeze").stdout == f"git+{repository.as_uri()}@{commit.strip()}\n"
    environment.opsvi("plugins", "uninstall", "zz-source", "--yes")

    done = environment.opsvi("plugins", "install", f"git+{repository.as_uri()}@nowhere", "--yes", check=False)
    assert done.returncode == 1
    assert "nowhere" in done.stderr


@pytest.mark.parametrize("environment", ["uv"], indirect=True)
def test_an_isolated_plugin_leaves_the_environment_alone(environment: Any, wheels: Path) -> None:
    before = environment.freeze()
    environment.opsvi("plugins", "install", wheels / "zz_two-1.0-py3-none-any.whl", "--isolated", "--yes")
    assert environment.freeze() == before
    info = json.loads(environment.opsvi("plugins", "info", "zz-two", "--json").stdout)
    assert (info["isolated"], info["origin"], info["license"]) == (True, "isolated", "MIT")
    assert environment.opsvi("plugins", "freeze").stdout.endswith("zz_two-1.0-py3-none-any.whl  # isolated\n")
    twice = environment.opsvi(
        "plugins", "install", "zz-two", "--find-links", wheels, "--no-index", "--yes", check=False
    )
    assert twice.returncode == 2
    assert "opsvi plugins uninstall zz-two" in twice.stderr
    environment.opsvi("plugins", "uninstall", "zz-two", "--yes")
    assert _status(environment, "zz-two") == "not there"


@pytest.mark.parametrize("environment", ["pip"], indirect=True)
def test_ctrl_c_leaves_nothing_half_done(environment: Any, tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "zz-slow", "1.0", "import time\ntime.sleep(100)\n")
    program = subprocess.Popen(
        [environment.python.parent / "opsvi", "plugins", "install", wheel, "--yes"],
        env=environment.env,
        cwd=environment.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    # pip is done when the record of the distribution is there; then the child loads it.
    prefix = environment.python.parent.parent

    def there() -> list[Path]:
        return list(prefix.glob("lib/python*/site-packages/zz_slow-1.0.dist-info/RECORD"))

    deadline = time.monotonic() + 90
    while not there() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert there()
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=60)
    assert program.returncode == 130, said
    assert not there()
    assert not list((environment.folder / "home" / "data").glob(".opsvi-undo*"))
    assert environment.opsvi("plugins", "freeze").stdout == ""
