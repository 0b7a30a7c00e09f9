"""`opsvi-plugin.toml` is read as data, and whatever is wrong with it is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsvi_cli.plugin_host.manifest import Manifest, find_manifest, installed_manifest, parse_manifest, places


def test_what_it_says() -> None:
    manifest = parse_manifest(b'isolated = true\npermissions = ["files", "network", "files"]\n')
    assert manifest == Manifest(isolated=True, permissions=("network", "files"), there=True)
    assert parse_manifest(b"") == Manifest(there=True)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"isolated = 1", "not true or false"),
        (b'permissions = "all"', "not a list"),
        (b'permissions = ["root", "files"]', "no permissions but network, files, processes, secrets"),
        (b"a = = b", "not valid TOML"),
        (b"\xff", "not valid TOML"),
        (b"#" * 100_001, "larger than"),
        (b"a = " + b"[" * 50_000, "not valid TOML"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, words: str) -> None:
    manifest = parse_manifest(data)
    assert words in manifest.problem
    assert manifest.there


def test_it_lies_beside_the_module_and_never_at_the_root() -> None:
    assert places("a.b:C") == ("a/b/opsvi-plugin.toml", "a/opsvi-plugin.toml")
    assert places("single") == ("single/opsvi-plugin.toml",)
    files = {"a/opsvi-plugin.toml": b"isolated = true"}
    assert find_manifest("a.plugin", files.get).isolated
    assert not find_manifest("b.plugin", files.get).there


def test_of_an_installed_package_nothing_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "mani_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "opsvi-plugin.toml").write_text('permissions = ["secrets"]')
    monkeypatch.syspath_prepend(str(tmp_path))
    assert installed_manifest("mani_package.plugin").permissions == ("secrets",)
    assert installed_manifest(str(package)).permissions == ("secrets",)
    assert installed_manifest("nowhere_at_all.plugin") == Manifest()
