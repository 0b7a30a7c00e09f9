"""`opsvi doctor`: says what is wrong, whatever is broken."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "golden" / "doctor.schema.json").read_text())
Opsvi = Callable[..., Any]


def findings(result: Any, *statuses: str) -> dict[str, str]:
    jsonschema.validate(result.json, SCHEMA)
    return {row["name"]: f"{row['detail']} | {row['hint']}" for row in result.json if row["status"] in statuses}


def test_a_fresh_home_is_sound_and_stays_untouched(opsvi: Opsvi, home: Path) -> None:
    result = opsvi("doctor", "--json")
    assert findings(result, "warning", "error") == {}
    assert result.code == 0
    assert "passages" in findings(result, "ok")["model"]
    assert not (home / "config").exists()
    assert opsvi("doctor").out.count("\n") == len(result.json)


def test_settings_that_are_wrong(opsvi: Opsvi, home: Path) -> None:
    (home / "config").mkdir(parents=True, mode=0o700)
    (home / "config" / "config.toml").write_text("model = [\n")
    result = opsvi("doctor", "--json", env={"OPSVI_RETRIEVAL__K": "x", "OPSVI_SOMETHING_ELSE_ENTIRELY": "1"})
    assert result.code == 1
    rows = [row for row in result.json if row["name"] == "settings"]
    assert len(rows) == 2
    assert all(row["status"] == "error" and row["hint"] for row in rows)
    assert "OPSVI_SOMETHING_ELSE_ENTIRELY" in findings(result, "warning")["environment"]


def test_an_untrusted_project(opsvi: Opsvi, tmp_path: Path) -> None:
    (tmp_path / "opsvi.toml").write_text('model = "evil/x"\n')
    result = opsvi("doctor", "--json")
    assert result.code == 0
    assert "opsvi config trust" in findings(result, "warning")["project"]


def test_modes(opsvi: Opsvi) -> None:
    opsvi("secrets", "set", "openai", stdin="canary-Zq81xWv02pLm")
    opsvi("config", "set", "model", "echo")
    identity = Path(opsvi("secrets", "path", "--json").json["identity"])
    identity.chmod(0o644)
    identity.parent.chmod(0o755)
    result = opsvi("doctor", "--json")
    assert result.code == 1
    assert f"chmod 600 {identity}" in findings(result, "error")["private files"]
    assert f"chmod 700 {identity.parent}" in findings(result, "warning")["directories"]


def test_a_key_in_the_settings(opsvi: Opsvi) -> None:
    key = "sk-abcdefghijklmnopqrstuv"
    result = opsvi("doctor", "--json", env={"OPSVI_PROVIDERS__OPENAI__API_KEY": key})
    assert result.code == 1
    assert "opsvi secrets set openai" in findings(result, "error")["keys"]
    assert key not in result.out


def test_a_model_that_cannot_be_asked(opsvi: Opsvi) -> None:
    """Found out without a request: its key is missing, its settings are wrong, or it is not there."""
    fallback = {"OPSVI_RESILIENCE__FALLBACK": '["nowhere/x", "azure/dep", "echo/echo"]'}
    result = opsvi("doctor", "--json", env={"OPSVI_MODEL": "openai/m", "OPENAI_API_KEY": "", **fallback})
    assert result.code == 1
    assert "no key for api.openai.com" in findings(result, "error")["model"]
    wrong = [row["detail"] for row in result.json if row["name"] == "fallback" and row["status"] == "error"]
    assert wrong == ["nowhere/x: there is no provider 'nowhere'", "azure/dep: azure: base_url is not set"]
    sound = opsvi("doctor", "--json", env={"OPSVI_MODEL": "openai/m", "OPENAI_API_KEY": "sk-canary-0123456789"})
    assert findings(sound, "ok")["model"].startswith("openai/m")


def test_everything_broken_at_once(opsvi: Opsvi, home: Path, tmp_path: Path) -> None:
    for name in ("config", "data", "state", "cache"):
        (home / name).mkdir(parents=True, mode=0o700)
    (home / "config" / "config.toml").write_text('model = "nobody/x"\nembedder = "none"\nnope = 1\n')
    (home / "state" / "state.db").write_bytes(b"garbage" * 500)
    (home / "state" / "breakers.db").write_bytes(b"garbage" * 500)
    (home / "cache" / "cache.db").write_bytes(b"garbage" * 500)
    (home / "data" / "secrets.age").write_bytes(b"garbage")
    (home / "data" / "collections").write_text("not a directory")
    (tmp_path / "broken_one.py").write_text("raise ImportError('cannot be had')\n")
    result = opsvi("doctor", "--json", env={"OPSVI_PLUGINS": str(tmp_path / "broken_one.py")})
    assert result.code == 1
    errors = findings(result, "error")
    assert {"settings", "keys", "state", "model", "embedder", "plugins", "breakers", "directories"} <= set(errors)
    assert "cache" in findings(result, "warning")
    assert "Traceback" not in result.err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_that_cannot_be_written(opsvi: Opsvi, home: Path) -> None:
    home.mkdir(mode=0o500)
    result = opsvi("doctor", "--json")
    assert result.code == 1
    assert "rights" in findings(result, "error")["directories"]


def test_a_home_that_is_a_file(opsvi: Opsvi, home: Path) -> None:
    home.write_text("in the way")
    result = opsvi("doctor", "--json")
    assert result.code == 1
    assert "not a directory" in findings(result, "error")["directories"]


def test_a_damaged_collection(opsvi: Opsvi, home: Path, tmp_path: Path) -> None:
    from opsvi_cli.context import AppContext
    from opsvi_cli.rag.collections import CollectionSpec, create_or_open

    app = AppContext(stdin=None, env=dict(os.environ), cwd="/")
    create_or_open(app, "good", CollectionSpec(embedder="hash")).close()
    create_or_open(app, "bad", CollectionSpec(embedder="hash")).close()
    assert "2 can be opened" in findings(opsvi("doctor", "--json"), "ok")["collections"]
    for path in (home / "data").rglob("*"):
        if path.is_file() and "bad" in str(path) and path.suffix in (".db", ".sqlite", ".sqlite3"):
            path.write_bytes(b"garbage" * 1000)
    result = opsvi("doctor", "--json")
    assert result.code == 1
    assert "bad" in findings(result, "error")["collections"]
