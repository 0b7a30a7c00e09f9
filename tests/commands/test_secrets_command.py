"""`opsvi secrets`, as a user runs it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
KEY = "canary-Zq81xWv02pLm"
Opsvi = Callable[..., Any]


def follows(name: str, value: object) -> None:
    jsonschema.validate(value, json.loads((GOLDEN / f"{name}.schema.json").read_text()))


def test_from_setting_to_removing(opsvi: Opsvi) -> None:
    stored = opsvi("secrets", "set", "openai", stdin=KEY + "\n")
    assert (stored.code, stored.out) == (0, "")
    assert KEY not in stored.err
    listed = opsvi("secrets", "list", "--json")
    follows("secrets-list", listed.json)
    assert [row["name"] for row in listed.json] == ["openai"]
    assert KEY not in listed.out
    assert opsvi("secrets", "get", "openai", "--reveal").out == KEY + "\n"
    follows("secrets-get", opsvi("secrets", "get", "openai", "--reveal", "--json").json)
    assert opsvi("secrets", "rm", "openai", "--yes").code == 0
    assert opsvi("secrets", "list", "--json").json == []


def test_the_file_is_private(opsvi: Opsvi, home: Path) -> None:
    path = Path(opsvi("secrets", "path").out.strip())
    assert not home.exists()
    opsvi("secrets", "set", "openai", stdin=KEY)
    assert path.stat().st_mode & 0o777 == 0o600
    follows("secrets-path", opsvi("secrets", "path", "--json").json)


def test_get_needs_reveal(opsvi: Opsvi) -> None:
    opsvi("secrets", "set", "openai", stdin=KEY)
    result = opsvi("secrets", "get", "openai")
    assert (result.code, result.out) == (2, "")
    assert "--reveal" in result.err


def test_no_key_no_terminal(opsvi: Opsvi, home: Path) -> None:
    assert opsvi("secrets", "set", "openai", "--no-input").code == 2
    assert opsvi("secrets", "set", "openai", stdin="").code == 2
    assert opsvi("secrets", "set", "openai", stdin="  \n").code == 2
    assert not (home / "data" / "secrets.age").exists()


def test_a_key_as_an_argument_is_refused(opsvi: Opsvi) -> None:
    key = "sk-abcdefghijklmnopqrstuv"
    for result in (opsvi("secrets", "set", key, stdin="x"), opsvi("secrets", "set", "openai", key, stdin="x")):
        assert result.code == 2
        assert key not in result.err


def test_removing_asks_first(opsvi: Opsvi) -> None:
    opsvi("secrets", "set", "openai", stdin=KEY)
    result = opsvi("secrets", "rm", "openai", stdin="")
    assert result.code == 2
    assert "--yes" in result.err
    assert len(opsvi("secrets", "list", "--json").json) == 1
    missing = opsvi("secrets", "rm", "opnai", "--yes")
    assert missing.code == 1
    assert "'openai'" in missing.err


def test_test(opsvi: Opsvi, tmp_path: Path) -> None:
    result = opsvi("secrets", "test", "env:MY_KEY", "--json", env={"MY_KEY": KEY})
    follows("secrets-test", result.json)
    assert KEY not in result.out + result.err
    missing = opsvi("secrets", "test", "env:MY_KEY")
    assert missing.code == 4
    assert "opsvi secrets set" in missing.err
    assert opsvi("secrets", "test", "keyring:x").code == 4
    assert opsvi("secrets", "test", f"file:{tmp_path}/none").code == 4
    literal = opsvi("secrets", "test", "sk-abcdefghijklmnopqrstuv", "--json")
    assert literal.code == 4
    assert "abcdefghijkl" not in literal.out + literal.err


@pytest.mark.parametrize("flags", [("-vv",), ("--debug", "-vv"), ("--json",)])
def test_nothing_leaks(opsvi: Opsvi, home: Path, flags: tuple[str, ...]) -> None:
    env = {"OPENAI_API_KEY": "env-canary-Zq81"}
    opsvi("secrets", "set", "openai", stdin=KEY, env=env)
    runs = [
        ("secrets", "list"),
        ("secrets", "test", "openai"),
        ("secrets", "test", "env:OPENAI_API_KEY"),
        ("secrets", "get", "openai"),
        ("secrets", "test", f"cmd:{sys.executable} -c 'import os,sys; sys.exit(os.environ[\"OPENAI_API_KEY\"])'"),
        ("config", "list"),
        ("doctor",),
    ]
    for arguments in runs:
        result = opsvi(*arguments, *flags, env=env)
        for secret in (KEY, "env-canary-Zq81"):
            assert secret not in result.out + result.err, arguments
    for path in home.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes()
            assert b"env-canary" not in path.read_bytes()


def test_the_key_is_typed_unseen(home: Path, tmp_path: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    child = pexpect.spawn(
        sys.executable,
        ["-m", "opsvi_cli", "secrets", "set", "openai"],
        env=dict(os.environ),
        cwd=str(tmp_path),
        timeout=60,
    )
    child.expect("not shown")
    child.waitnoecho()
    child.sendline(KEY)
    child.expect(pexpect.EOF)
    shown = child.before.decode()
    child.close()
    assert child.exitstatus == 0
    assert KEY not in shown
    assert (home / "data" / "secrets.age").exists()
