"""Each kind of environment is told by its files, and those that must not be changed are refused with a way out."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from opsvi_cli.errors import OpsviError
from opsvi_cli.plugin_host.install.asked import Options
from opsvi_cli.plugin_host.install.commands import Target, install_steps, requirement_of, uninstall_steps
from opsvi_cli.plugin_host.install.where_opsvi_lives import Python, find_installation


@pytest.fixture
def python(tmp_path: Path) -> Python:
    """A virtual environment with pip."""
    prefix = tmp_path / "project" / ".venv"
    site, stdlib = prefix / "site", tmp_path / "stdlib"
    site.mkdir(parents=True)
    stdlib.mkdir()
    return Python(prefix, tmp_path / "base", str(prefix / "bin" / "python"), stdlib, site, prefix / "bin", has_pip=True)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A PATH with uv and pipx on it."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("uv", "pipx"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return {"PATH": str(folder), "HOME": str(tmp_path)}


def test_pip_uv_and_neither(python: Python, env: dict[str, str]) -> None:
    assert find_installation(env, python).kind == "pip"
    assert find_installation(env, replace(python, has_pip=False)).kind == "uv"
    bare = find_installation({"PATH": ""}, replace(python, has_pip=False))
    refused = bare.refuse("x")
    assert bare.kind == "bare"
    assert refused is not None
    assert "opsvi plugins install --isolated x" in refused.hint


@pytest.mark.parametrize(
    ("lock", "command"), [("uv.lock", "uv add"), ("poetry.lock", "poetry add"), ("pdm.lock", "pdm add")]
)
def test_the_project_above_is_asked(python: Python, env: dict[str, str], lock: str, command: str) -> None:
    (python.prefix.parent / lock).touch()
    home = find_installation(env, python)
    refused = home.refuse("x")
    assert home.kind == "project"
    assert refused is not None
    assert refused.hint.startswith(f"{command} x;")


def test_a_lock_file_above_another_project_is_none_of_ours(python: Python, env: dict[str, str]) -> None:
    (python.prefix.parent / "pyproject.toml").touch()
    (python.prefix.parent.parent / "uv.lock").touch()
    assert find_installation(env, python).kind == "pip"


def test_managed_by_the_system(python: Python, env: dict[str, str]) -> None:
    (python.stdlib / "EXTERNALLY-MANAGED").touch()
    assert find_installation(env, python).kind == "pip"  # a virtual environment is the way out
    home = find_installation(env, replace(python, base_prefix=python.prefix))
    refused = home.refuse("x")
    assert home.kind == "managed"
    assert refused is not None
    assert "PEP 668" in refused.message
    assert "pipx install opsvi" in refused.hint


def test_read_only(python: Python, env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.access

    def access(path: Path, mode: int) -> bool:  # whoever runs the tests as root may write everywhere
        return real(path, mode) and not (Path(path) == python.site and mode & os.W_OK)

    monkeypatch.setattr(os, "access", access)
    home = find_installation(env, python)
    refused = home.refuse("x")
    assert home.kind == "read-only"
    assert refused is not None
    assert f"{python.executable} -m pip install x" in refused.hint


def test_a_tool_whose_installer_is_gone(python: Python) -> None:
    (python.prefix / "uv-receipt.toml").write_text('[tool]\nrequirements = [{ name = "opsvi" }]\n')
    refused = find_installation({"PATH": ""}, python).refuse("x")
    assert refused is not None
    assert "uv, which is not on the PATH" in refused.message


def test_damaged_receipts(python: Python, env: dict[str, str]) -> None:
    (python.prefix / "pipx_metadata.json").write_text("[")
    with pytest.raises(OpsviError, match="cannot be read"):
        find_installation(env, python)


RECEIPT = """
[tool]
requirements = [
    { name = "opsvi", path = "/dist/opsvi-0.1.0-py3-none-any.whl" },
    { name = "rich", extras = ["jupyter"], specifier = ">=13" },
    { name = "mine", editable = "/src/mine" },
    { name = "Old.Plugin", git = "https://h/r?subdirectory=a&rev=abc#abc" },
]
python = "3.11"
entrypoints = [{ name = "opsvi", install-path = "/home/me/bin/opsvi", from = "opsvi" }]
[tool.options]
no-index = true
find-links = ["file:///wheels"]
"""


def test_the_receipt_of_uv_is_repeated(python: Python, env: dict[str, str], tmp_path: Path) -> None:
    (python.prefix / "uv-receipt.toml").write_text(RECEIPT)
    home = find_installation(env, python)
    trial, step = install_steps(home, [Target("x", "x>=1")], Options(upgrade=True), tmp_path / "pin", frozenset())
    assert trial.trial
    assert trial.argv[-2:] == (str(tmp_path / "pin"), "x>=1")
    assert step.env == {"UV_TOOL_DIR": str(python.prefix.parent), "UV_TOOL_BIN_DIR": "/home/me/bin"}
    assert list(step.argv[1:]) == [
        *("tool", "install", "--python", "3.11", "--find-links", "file:///wheels", "--no-index"),
        *("--upgrade-package", "x", "opsvi @ file:///dist/opsvi-0.1.0-py3-none-any.whl"),
        *("--with", "rich[jupyter]>=13", "--with-editable", "/src/mine"),
        *("--with", "Old.Plugin @ git+https://h/r@abc#subdirectory=a", "--with", "x>=1"),
    ]
    (removal,) = uninstall_steps(home, ["old-plugin", "mine"])
    assert "Old.Plugin" not in " ".join(removal.argv)
    assert "--with-editable" not in removal.argv
    assert "rich[jupyter]>=13" in removal.argv


def test_a_receipt_that_says_something_unknown_is_left_alone() -> None:
    with pytest.raises(OpsviError, match="does not understand"):
        requirement_of({"name": "x", "workspace": True})


def test_pipx_takes_out_what_it_has_to_replace(python: Python, env: dict[str, str], tmp_path: Path) -> None:
    (python.prefix / "pipx_metadata.json").write_text(json.dumps({"injected_packages": {"x": {}}}))
    home = find_installation(env, python)
    pin = tmp_path / "pin"
    steps = install_steps(home, [Target("x", "x==2")], Options(("/w h",), no_index=True), pin, frozenset({"x"}))
    assert [step.argv[1] for step in steps] == ["uninject", "inject"]
    assert steps[1].argv[3:] == ("x==2", "--pip-args=--find-links '/w h' --no-index")
    assert steps[1].env["PIP_CONSTRAINT"] == steps[1].env["UV_CONSTRAINT"] == str(pin)
    assert steps[1].env["PIPX_HOME"] == str(python.prefix.parent.parent)
