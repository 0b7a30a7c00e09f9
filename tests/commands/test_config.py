"""`opsvi config`, as a user runs it."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
KEY = "sk-canary-7f3a9b2c4d5e6f708192"
Opsvi = Callable[..., Any]


def follows(name: str, value: object) -> None:
    jsonschema.validate(value, json.loads((GOLDEN / f"{name}.schema.json").read_text()))


@pytest.fixture
def user_file(home: Path) -> Path:
    path = home / "config" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('# mine\nmodel = "echo"  # for now\n\n[retrieval]\nk = 9\n')
    return path


def test_the_variable_wins_and_is_named(opsvi: Opsvi, user_file: Path) -> None:
    result = opsvi("config", "get", "model", "--show-origin", env={"OPSVI_MODEL": "a"})
    assert result.out == "a\tenv OPSVI_MODEL\n"
    assert opsvi("config", "get", "model", "--show-origin").out == f"echo\tuser {user_file}\n"
    assert opsvi("config", "get", "collection", "--show-origin").out == "default\tdefault\n"


@pytest.mark.parametrize(
    ("key", "out"),
    [("retrieval.k", "9\n"), ("cache.enabled", "true\n"), ("ingest.include", "[]\n"), ("pager", "\n")],
)
def test_get_prints_what_set_reads(opsvi: Opsvi, user_file: Path, key: str, out: str) -> None:
    assert opsvi("config", "get", key).out == out


def test_get_a_table(opsvi: Opsvi, user_file: Path) -> None:
    assert json.loads(opsvi("config", "get", "retrieval").out)["k"] == 9
    follows("config-get", opsvi("config", "get", "retrieval", "--json").json)
    follows("config-get", opsvi("config", "get", "model", "--json").json)


def test_an_unknown_name(opsvi: Opsvi) -> None:
    for command in (("get", "retreival.k"), ("set", "retreival.k", "1"), ("unset", "retreival.k")):
        result = opsvi("config", *command)
        assert result.code == 2
        assert "'retrieval.k'" in result.err
        assert result.out == ""
    assert opsvi("config", "get", "providers.openai.base_url").code == 2


def test_get_imports_little(opsvi_process: Opsvi, user_file: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from opsvi_cli.app import run\n"
        "run(['config', 'get', 'model'])\n"
        "heavy = {'httpx', 'httpx2', 'rich', 'pydantic', 'numpy', 'openai', 'tomlkit', 'pyrage', 'sqlite3'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "echo\n[]\n"


def test_list(opsvi: Opsvi, user_file: Path) -> None:
    rows = opsvi("config", "list", "--json").json
    follows("config-list", rows)
    by_key = {row["key"]: row for row in rows}
    assert by_key["retrieval.k"] == {"key": "retrieval.k", "value": 9, "origin": "user", "where": str(user_file)}
    assert by_key["chunker"]["origin"] == "default"
    lines = opsvi("config", "list", "--changed", "--show-origin").out.splitlines()
    assert lines == [f"model\techo\tuser\t{user_file}", f"retrieval.k\t9\tuser\t{user_file}"]


def test_set_and_unset_keep_comments(opsvi: Opsvi, user_file: Path) -> None:
    user_file.chmod(0o644)
    assert opsvi("config", "set", "retrieval.k", "4").code == 0
    assert opsvi("config", "set", "providers.openai.base_url", "http://localhost:8080/v1").code == 0
    assert opsvi("config", "set", "providers.openai.timeout", "30").code == 0
    assert opsvi("config", "set", "ingest.include", "*.md,*.txt").code == 0
    text = user_file.read_text()
    assert text.startswith('# mine\nmodel = "echo"  # for now\n')
    assert user_file.stat().st_mode & 0o777 == 0o600
    assert tomllib.loads(text) == {
        "model": "echo",
        "retrieval": {"k": 4},
        "providers": {"openai": {"base_url": "http://localhost:8080/v1", "timeout": 30}},
        "ingest": {"include": ["*.md", "*.txt"]},
    }
    for key in ("retrieval.k", "providers.openai", "ingest.include"):
        assert opsvi("config", "unset", key).code == 0
    assert user_file.read_text().strip() == '# mine\nmodel = "echo"  # for now'
    assert opsvi("config", "unset", "retrieval.k").code == 1


def test_set_makes_the_file_private(opsvi: Opsvi, home: Path) -> None:
    result = opsvi("config", "set", "model", "echo")
    assert (result.code, result.out) == (0, "")
    path = home / "config" / "config.toml"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_wrong_value_changes_nothing(opsvi: Opsvi, user_file: Path) -> None:
    before = user_file.read_bytes()
    for key, value in (
        ("retrieval.k", "many"),
        ("retrieval.k", "0"),
        ("retrieval.mode", "magic"),
        ("cache.enabled", "x"),
    ):
        result = opsvi("config", "set", key, value)
        assert result.code == 2
        assert key in result.err
    assert user_file.read_bytes() == before


@pytest.mark.parametrize("value", [KEY, "hunter2!", "0123456789abcdef0123456789abcdef"])
def test_a_key_itself_is_refused(opsvi: Opsvi, home: Path, value: str) -> None:
    result = opsvi("config", "set", "providers.openai.api_key", value)
    assert result.code == 2
    assert "opsvi secrets set openai" in result.err
    assert value not in result.err
    assert not home.exists()


def test_references_may_be_set(opsvi: Opsvi) -> None:
    for value in ("env:WORK_KEY", "age:work", "openai", "cmd:pass show openai"):
        assert opsvi("config", "set", "providers.openai.api_key", value).code == 0


def test_profiles_and_other_files(opsvi: Opsvi, user_file: Path, tmp_path: Path) -> None:
    assert opsvi("--profile", "work", "config", "set", "retrieval.k", "2").code == 0
    assert opsvi("--profile", "work", "config", "get", "retrieval.k").out == "2\n"
    assert opsvi("config", "get", "retrieval.k").out == "9\n"
    other = tmp_path / "other.toml"
    assert opsvi("--config", other, "config", "set", "retrieval.k", "3").code == 0
    assert opsvi("config", "get", "retrieval.k", "--config", other).out == "3\n"
    assert opsvi("--profile", "work", "config", "unset", "retrieval.k").code == 0
    assert "profiles" not in tomllib.loads(user_file.read_text())


def test_set_in_a_project_keeps_trust_and_does_not_give_it(opsvi: Opsvi, tmp_path: Path) -> None:
    mine, cloned = tmp_path / "mine", tmp_path / "cloned"
    mine.mkdir()
    cloned.mkdir()
    assert opsvi("config", "set", "--project", "model", "echo", cwd=mine).code == 0
    assert opsvi("config", "set", "--project", "retrieval.k", "3", cwd=mine).code == 0
    assert opsvi("config", "get", "model", cwd=mine).out == "echo\n"
    (cloned / "opsvi.toml").write_text('model = "evil/x"\n')
    assert opsvi("config", "set", "--project", "retrieval.k", "3", cwd=cloned).code == 0
    assert opsvi("config", "get", "model", cwd=cloned).out == "\n"


def test_trust_and_untrust(opsvi: Opsvi, tmp_path: Path) -> None:
    assert opsvi("config", "trust").code == 1
    (tmp_path / "opsvi.toml").write_text('model = "echo"\n')
    assert opsvi("config", "get", "model").out == "\n"
    assert opsvi("config", "trust").code == 0
    assert opsvi("config", "get", "model").out == "echo\n"
    assert opsvi("config", "untrust").code == 0
    assert opsvi("config", "get", "model").out == "\n"


def test_a_broken_file_does_not_lock_the_user_out(opsvi: Opsvi, user_file: Path) -> None:
    user_file.write_text("model = [broken\n")
    result = opsvi("config", "get", "retrieval.k")
    assert (result.code, result.out) == (0, "5\n")
    assert str(user_file) in result.err
    assert opsvi("config", "list").code == 0
    assert opsvi("config", "path").out == f"{user_file}\n"
    assert opsvi("secrets", "list").code == 0
    assert opsvi("config", "schema").code == 0
    refused = opsvi("config", "set", "model", "echo")
    assert refused.code == 2
    assert "TOML" in refused.err
    assert user_file.read_text() == "model = [broken\n"


def test_path(opsvi: Opsvi, home: Path, tmp_path: Path) -> None:
    follows("config-path", opsvi("config", "path", "--json").json)
    assert opsvi("config", "path").out == f"{home / 'config' / 'config.toml'}\n"
    assert opsvi("config", "path", "--project").out == f"{tmp_path / 'opsvi.toml'}\n"
    assert not home.exists()


def test_validate(opsvi: Opsvi, user_file: Path) -> None:
    assert opsvi("config", "validate").code == 0
    user_file.write_text("nope = 1\n[retrieval]\nk = 'x'\n")
    result = opsvi("config", "validate", "--json", env={"OPSVI_CACHE__ENABLED": "perhaps"})
    assert result.code == 1
    follows("config-validate", result.json)
    assert {row["where"] for row in result.json} == {str(user_file), "OPSVI_CACHE__ENABLED"}
    assert len(result.json) == 3


def test_the_schema_agrees_with_the_reader(opsvi: Opsvi) -> None:
    schema = json.loads(opsvi("config", "schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema)
    good = {"model": "x", "retrieval": {"k": 3}, "providers": {"a": {"b": [1]}}, "profiles": {"p": {"model": "y"}}}
    assert check.is_valid(good)
    for bad in ({"nope": 1}, {"retrieval": {"k": 0}}, {"retrieval": {"mode": "magic"}}, {"profiles": {"p": {"x": 1}}}):
        assert not check.is_valid(bad)
    assert schema["$defs"]["Retrieval"]["properties"]["k"]["description"]


@pytest.mark.parametrize("flags", [(), ("--json",), ("-vv",), ("--show-origin",)])
def test_keys_are_never_shown(opsvi: Opsvi, home: Path, flags: tuple[str, ...]) -> None:
    path = home / "config" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        f'[providers.openai]\napi_key = "{KEY}"\nbase_url = "http://user:hunter2@h/v1"\n'
        '[providers.b]\napi_key = "env:B_KEY"\n[providers.c]\napi_key = "hunter2"\n'
        '[parts.x]\nnested = {token = "hunter2"}\n'
    )
    env = {"OPENAI_API_KEY": "another-canary-1", "OPSVI_PROVIDERS__D__API_KEY": "Zq81xWv02pLm"}
    for command in (("list",), ("get", "providers"), ("get", "providers.openai.api_key"), ("get", "parts.x.nested")):
        result = opsvi(
            "config", *command, *(flag for flag in flags if flag != "--show-origin" or command != ("x",)), env=env
        )
        assert result.code == 0
        for secret in (KEY, "hunter2", "another-canary-1", "Zq81xWv02pLm"):
            assert secret not in result.out + result.err
    assert "env:B_KEY" in opsvi("config", "list", env=env).out


def test_edit_needs_a_terminal(opsvi: Opsvi, home: Path) -> None:
    result = opsvi("config", "edit", stdin="")
    assert result.code == 2
    assert "opsvi config set" in result.err
    assert not home.exists()


def test_edit_on_a_terminal(home: Path, tmp_path: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    editor = tmp_path / "editor"
    editor.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[1], 'a').write('nope = 1\\n')\n")
    editor.chmod(0o700)
    import os

    env = {**os.environ, "EDITOR": str(editor)}
    env.pop("VISUAL", None)
    child = pexpect.spawn(sys.executable, ["-m", "opsvi_cli", "config", "edit"], env=env, cwd=str(tmp_path), timeout=60)
    child.expect("no setting 'nope'")
    child.wait()
    child.close()
    assert child.exitstatus == 2
    path = home / "config" / "config.toml"
    assert path.read_text().endswith("nope = 1\n")
    assert path.stat().st_mode & 0o777 == 0o600
