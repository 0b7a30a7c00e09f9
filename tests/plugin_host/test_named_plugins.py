"""Plugins that settings name. Those of a cloned folder do nothing until the user trusts the folder's settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PLUGIN = """
from pathlib import Path
from opsvi_cli.sdk import hookimpl
OPSVI_API = "1.0"
(Path(__file__).parent / "ran").touch()

@hookimpl
def opsvi_register(registry):
    registry.reranker("named", "named_plugin_of_tests:X", help="From a folder")
"""


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project that brings a plugin of its own, and settings that name it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = tmp_path / "clone"
    (folder / "tools").mkdir(parents=True)
    (folder / "tools" / "named_plugin_of_tests.py").write_text(PLUGIN)
    (folder / "opsvi.toml").write_text('[plugins]\nload = ["tools/named_plugin_of_tests.py"]\n')
    yield folder
    sys.modules.pop("named_plugin_of_tests", None)


def _row(opsvi: Callable[..., Any], cwd: Path, **env: str) -> dict[str, Any] | None:
    rows = opsvi("plugins", "list", "--json", cwd=cwd, env=env).json
    return next((row for row in rows if row["name"] == "named_plugin_of_tests"), None)


@pytest.mark.parametrize("text", [None, '[profiles.evil.plugins]\nload = ["tools/named_plugin_of_tests.py"]\n'])
def test_a_cloned_folder_does_nothing_until_it_is_trusted(
    opsvi: Callable[..., Any], clone: Path, text: str | None
) -> None:
    if text is not None:
        (clone / "opsvi.toml").write_text(text)
    flags = ("--profile", "evil") if text else ()
    for words in (("plugins", "list"), ("doctor",), ("search", "x"), ("chat", "--help")):
        opsvi(*flags, *words, cwd=clone / "tools")
    assert not (clone / "tools" / "ran").exists()
    assert _row(opsvi, clone, OPSVI_PROFILE="evil" if text else "") is None

    trusted = opsvi("config", "trust", cwd=clone)
    if text is None:
        assert "it loads the plugin tools/named_plugin_of_tests.py, also after that has changed" in trusted.err
    row = _row(opsvi, clone / "tools", OPSVI_PROFILE="evil" if text else "")
    assert row is not None
    assert (row["origin"], row["status"], row["parts"]) == ("project", "ok", ["reranker:named"])
    assert (clone / "tools" / "ran").exists()


def test_a_changed_file_is_not_trusted_any_more(opsvi: Callable[..., Any], clone: Path) -> None:
    opsvi("config", "trust", cwd=clone)
    (clone / "opsvi.toml").write_text('[plugins]\nload = ["./tools/named_plugin_of_tests.py"]\n')
    assert _row(opsvi, clone) is None
    assert not (clone / "tools" / "ran").exists()


def test_the_users_own_settings_name_plugins_too(opsvi: Callable[..., Any], clone: Path, tmp_path: Path) -> None:
    opsvi("config", "set", "plugins.load", str(clone / "tools" / "named_plugin_of_tests.py"))
    row = _row(opsvi, tmp_path)
    assert row is not None
    assert (row["origin"], row["status"]) == ("settings", "ok")
    info = opsvi("plugins", "info", "named_plugin_of_tests", "--json").json
    assert info["permissions"] is None


def test_one_that_is_gone_is_broken_by_name(opsvi: Callable[..., Any], clone: Path) -> None:
    opsvi("config", "trust", cwd=clone)
    (clone / "tools" / "named_plugin_of_tests.py").unlink()
    row = _row(opsvi, clone)
    assert row is not None
    assert row["status"] == "broken"
    assert "plugins.load: there is no" in row["error"]
