"""`opsvi plugins list` and `info` as people and programs see them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import opsvi_cli

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def _valid(name: str, value: object) -> None:
    jsonschema.validate(value, json.loads((GOLDEN / f"{name}.schema.json").read_text()))


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A plugin that works, one that is odd and one that is broken, from OPSVI_PLUGINS."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = tmp_path / "three"
    folder.mkdir()
    good = 'from opsvi_cli.sdk import hookimpl\nOPSVI_API = "1.0"\n@hookimpl\ndef opsvi_register(registry):\n'
    (folder / "t_good.py").write_text(good + '    registry.reranker("best", "t_part:X", help="Puts the best first")\n')
    (folder / "t_odd.py").write_text('OPSVI_API = "1.0"\n')
    (folder / "t_broken.py").write_text("raise RuntimeError('\\x1b[31mred\\tand\\nmore')\n")
    yield {"OPSVI_PLUGINS": ",".join(str(folder / f"t_{name}.py") for name in ("odd", "good", "broken"))}
    for name in ("t_odd", "t_good", "t_broken"):
        sys.modules.pop(name, None)


def test_list_as_json(opsvi: Callable[..., Any], three: dict[str, str]) -> None:
    done = opsvi("plugins", "list", "--json", env=three)
    rows = done.json
    _valid("plugins-list", rows)
    assert [(row["name"], row["origin"], row["status"]) for row in rows if row["origin"] != "distribution"] == [
        ("opsvi", "built-in", "ok"),
        ("t_broken", "environment", "broken"),
        ("t_good", "environment", "ok"),
        ("t_odd", "environment", "warning"),
    ]
    (good,) = [row for row in rows if row["name"] == "t_good"]
    assert good["parts"] == ["reranker:best"]
    assert rows[0]["version"] == opsvi_cli.__version__
    assert "embedder:wordllama" in rows[0]["parts"]
    assert opsvi("plugins", "list", "--json", env=three).out == done.out


def test_list_in_a_pipe_is_tab_separated_and_safe(opsvi: Callable[..., Any], three: dict[str, str]) -> None:
    done = opsvi("plugins", "list", env=three)
    assert {line.count("\t") for line in done.out.splitlines()} == {5}
    assert "\x1b" not in done.out


def test_fields_can_be_picked_and_wrong_ones_are_named(opsvi: Callable[..., Any]) -> None:
    assert list(opsvi("plugins", "list", "--json=status,name").json[0]) == ["status", "name"]
    done = opsvi("plugins", "list", "--json", "nope")
    assert done.code == 2
    assert "Available fields: name, version, origin, status, error, parts" in done.err


def test_info(opsvi: Callable[..., Any], three: dict[str, str]) -> None:
    for name, hooks in (("t_good", ["opsvi_register"]), ("opsvi", ["opsvi_register"]), ("t_broken", [])):
        record = opsvi("plugins", "info", name, "--json", env=three).json
        _valid("plugins-info", record)
        assert record["hooks"] == hooks
    text = opsvi("plugins", "info", "t_good", env=three).out
    assert "t_good: ok" in text
    assert "reranker best" in text
    assert "Puts the best first" in text
    broken = opsvi("plugins", "info", "t_broken", env=three)
    assert broken.code == 0
    assert "RuntimeError" in broken.out


def test_info_of_an_unknown_plugin_suggests_one(opsvi: Callable[..., Any]) -> None:
    done = opsvi("plugins", "info", "opvsi")
    assert done.code == 1
    assert "did you mean 'opsvi'?" in done.err
    assert done.out == ""
