"""`opsvi plugins install` and its sisters as people and programs see them, short of changing an environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from wheels_of_plugins import good, write_wheel

from opsvi_cli.context import AppContext
from opsvi_cli.plugin_host.install import where_opsvi_lives
from opsvi_cli.plugin_host.install.record import Recorded, record_file, write_record
from opsvi_cli.plugin_host.install.where_opsvi_lives import Python

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Run = Callable[..., Any]


def _valid(name: str, value: object) -> None:
    jsonschema.validate(value, json.loads((GOLDEN / f"{name}.schema.json").read_text()))


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    source = "import httpx\n" + good("one", "1.0", "zz_one")
    return write_wheel(
        tmp_path, "zz-one", "1.0", source, files={"zz_one/opsvi-plugin.toml": 'permissions = ["files"]\n'}
    )


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """opsvi seems to be in an environment with pip below this folder, outside of any project."""
    prefix = tmp_path / "project" / "env"
    (prefix / "site").mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").touch()
    facts = Python(prefix, tmp_path, str(prefix / "bin" / "python"), tmp_path, prefix / "site", prefix / "bin", True)
    monkeypatch.setattr(where_opsvi_lives.Python, "running", classmethod(lambda cls: facts))
    return prefix


@pytest.fixture
def record(home: Path) -> None:
    """Two recorded plugins that are not there."""
    paths = AppContext(env={"OPSVI_HOME": str(home)}).paths
    lost = Recorded("zz-lost", "zz-lost==1.0", "1.0", plugins=("lost", "found"), installed="2026-01-01T00:00:00.000Z")
    apart = Recorded("zz-apart", "zz-apart==2.0", "2.0", isolated=True, installed="2026-01-01T00:00:00.000Z")
    write_record(paths, [lost, apart])
    assert record_file(paths).stat().st_mode & 0o777 == 0o600


def test_a_dry_run_says_what_is_known_and_does_nothing(opsvi: Run, wheel: Path, python: Path, home: Path) -> None:
    done = opsvi("plugins", "install", wheel, "--dry-run", "--json")
    _valid("plugins-install", done.json)
    (plugin,) = done.json["plugins"]
    assert (plugin["name"], plugin["status"], plugin["parts"]) == ("zz-one", "planned", ["reranker:one"])
    assert plugin["permissions"] == ["files"]
    assert plugin["found"] == {"network": ["httpx (zz_one/__init__.py:1)"]}
    (command,) = done.json["commands"]
    assert f"{python}/bin/python -m pip install" in command
    assert "constraints.txt" in command
    text = opsvi("plugins", "install", wheel, "-n").out
    assert "asks for   files" in text
    assert "network (not asked for): opens connections" in text
    assert "A plugin runs with all your rights" in text
    assert not (home / "data" / "plugins.toml").exists()


def test_nobody_is_there_to_agree(opsvi: Run, wheel: Path, python: Path) -> None:
    done = opsvi("plugins", "install", wheel, stdin="")
    assert done.code == 2
    assert "zz-one 1.0 by Ann (MIT): Ranks" in done.err
    assert "hint: repeat it with --yes" in done.err
    assert list((python / "site").iterdir()) == []


def test_isolated_ones_have_other_commands(opsvi: Run, wheel: Path, python: Path) -> None:
    record = opsvi("plugins", "install", wheel, "--isolated", "--no-index", "-n", "--json").json
    _valid("plugins-install", record)
    assert record["plugins"][0]["isolated"]
    assert any("venv" in command for command in record["commands"])
    assert any("--no-index" in command for command in record["commands"])


def test_a_manifest_asks_for_isolation(opsvi: Run, tmp_path: Path, python: Path) -> None:
    files = {"zz_two/opsvi-plugin.toml": "isolated = true\n"}
    wheel = write_wheel(tmp_path, "zz-two", "1.0", good("two", "1.0", "zz_two"), files=files)
    assert opsvi("plugins", "install", wheel, "-n", "--json").json["plugins"][0]["isolated"]


def test_what_is_no_plugin_is_refused(opsvi: Run, tmp_path: Path, python: Path) -> None:
    wheel = write_wheel(tmp_path, "plain", "1.0", "", points="")
    done = opsvi("plugins", "install", wheel, "--yes")
    assert done.code == 2
    assert "no entry point in the group `opsvi`" in done.err


def test_a_system_python_is_left_alone(
    opsvi: Run, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    facts = Python(tmp_path, tmp_path, "/usr/bin/python3", tmp_path, tmp_path, tmp_path, has_pip=True)
    monkeypatch.setattr(where_opsvi_lives.Python, "running", classmethod(lambda cls: facts))
    done = opsvi("plugins", "install", wheel, "--yes")
    assert done.code == 1
    assert "managed by the system" in done.err
    assert "hint: install opsvi with `pipx install opsvi`" in done.err


def test_names_that_nobody_has(opsvi: Run, python: Path, record: None) -> None:
    done = opsvi("plugins", "uninstall", "zz-losst", "--yes")
    assert done.code == 1
    assert "did you mean 'zz-lost'?" in done.err
    assert opsvi("plugins", "uninstall", "opsvi", "--yes").code == 2


def test_what_is_gone_is_listed_and_can_be_forgotten(opsvi: Run, python: Path, record: None) -> None:
    rows = opsvi("plugins", "list", "--json").json
    _valid("plugins-list", rows)
    assert [(row["name"], row["status"]) for row in rows if row["status"] == "missing"] == [
        ("found", "missing"),
        ("lost", "missing"),
        ("zz-apart", "missing"),
    ]
    info = opsvi("plugins", "info", "lost", "--json").json
    _valid("plugins-info", info)
    assert (info["requirement"], info["status"]) == ("zz-lost==1.0", "missing")

    frozen = opsvi("plugins", "freeze")
    assert frozen.out == "zz-apart==2.0  # isolated\nzz-lost==1.0\n"
    _valid("plugins-freeze", opsvi("plugins", "freeze", "--json").json)

    done = opsvi("plugins", "uninstall", "found", "zz-apart", "--yes", "--json")
    _valid("plugins-uninstall", done.json)
    assert [plugin["name"] for plugin in done.json["plugins"]] == ["zz-lost", "zz-apart"]
    assert opsvi("plugins", "freeze").out == ""
    assert opsvi("plugins", "restore", "--yes").code == 0


def test_doctor_names_what_is_gone(opsvi: Run, python: Path, record: None) -> None:
    checks = [check for check in opsvi("doctor", "--json").json if check["name"] == "plugins"]
    (lost,) = [check for check in checks if "missing" in check["detail"]]
    assert lost["status"] == "warning"
    assert lost["hint"] == "opsvi plugins restore"


def test_a_damaged_record_harms_nobody(opsvi: Run, home: Path) -> None:
    (home / "data").mkdir(parents=True)
    (home / "data" / "plugins.toml").write_text("[[plugin]]\nname = 1\n")
    assert opsvi("plugins", "list").code == 0
    done = opsvi("plugins", "freeze")
    assert done.code == 1
    assert "the record of plugins is damaged" in done.err


def test_a_requirements_file_that_is_none(opsvi: Run, python: Path, tmp_path: Path) -> None:
    assert "cannot be read" in opsvi("plugins", "restore", "none.txt").err
    (tmp_path / "bad.txt").write_text("--index-url https://h\n")
    assert opsvi("plugins", "restore", "bad.txt").code == 1


def test_disable_and_enable(opsvi: Run, tmp_path: Path, home: Path) -> None:
    plugin = tmp_path / "switched_plugin.py"
    plugin.write_text('OPSVI_API = "1.0"\n')
    env = {"OPSVI_PLUGINS": str(plugin)}

    def status() -> str:
        rows = opsvi("plugins", "list", "--json", env=env).json
        return str(next(row["status"] for row in rows if row["name"] == "switched_plugin"))

    assert status() == "warning"
    assert opsvi("plugins", "disable", "switched_plugin", env=env).code == 0
    assert status() == "disabled"
    assert "disabled already" in opsvi("plugins", "disable", "switched_plugin", env=env).err
    assert opsvi("plugins", "enable", "switched_plugin", env=env).code == 0
    assert status() == "warning"
    assert "is not disabled" in opsvi("plugins", "enable", "switched_plugin", env=env).err
    assert opsvi("plugins", "disable", "nobody").code == 1
    assert opsvi("plugins", "disable", "opsvi").code == 2
    done = opsvi("plugins", "disable", "switched_plugin", env={**env, "OPSVI_PLUGINS__DISABLED": "x"})
    assert done.code == 2
    assert "OPSVI_PLUGINS__DISABLED" in done.err
