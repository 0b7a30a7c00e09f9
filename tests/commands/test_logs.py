"""`opsvi logs`: listing, reading, finding, removing and exporting logged calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Run = Callable[..., Any]


def golden(name: str, value: Any) -> Any:
    jsonschema.validate(value, json.loads((GOLDEN / f"{name}.schema.json").read_text()))
    return value


@pytest.fixture
def logged(opsvi: Run) -> Run:
    """Three calls: two prompts, one of them long, and a query."""
    opsvi("prompt", "how do I clear a paper jam", "-m", "echo")
    opsvi("prompt", "first line\n" + "second line " * 30, "-m", "echo/call", "--system", "Be short.")
    opsvi("query", "when do backups run", "-m", "echo", stdin="Backups run at 02:00.")
    return opsvi


def test_list(logged: Run) -> None:
    rows = golden("logs-list", logged("logs", "list", "--json").json)
    assert [row["command"] for row in rows] == ["query", "prompt", "prompt"]
    assert rows[2]["prompt"] == "how do I clear a paper jam"
    assert [row["cost"] for row in rows] == [0, 0, 0]
    only = logged("logs", "list", "-m", "echo/call", "--json=model").json
    assert only == [{"model": "echo/call"}]
    assert len(logged("logs", "list", "-m", "echo", "--json").json) == 3
    assert len(logged("logs", "list", "-m", "call", "--command", "prompt", "--json").json) == 1
    assert [logged("logs", "list", "-m", name, "--json").json for name in ("%", "ech_", "all")] == [[], [], []]
    assert len(logged("logs", "list", "-n", "1", "--json").json) == 1
    assert len(logged("logs", "list", "--since", "1h", "--json").json) == 3
    assert logged("logs", "list", "--since", "2100-01-01", "--json").json == []
    lines = logged("logs", "list").out.splitlines()
    assert len(lines) == 3
    shown = lines[1].split("\t")[-1]
    assert shown.startswith("first line second line ")
    assert (len(shown), shown[-3:]) == (60, "...")
    wrong = logged("logs", "list", "--since", "yesterday")
    assert (wrong.code, "--since: 'yesterday' is no point in time" in wrong.err) == (2, True)


def test_show(logged: Run) -> None:
    call = golden("logs-show", logged("logs", "show", "--json").json)
    assert call["command"] == "query"
    first = logged("logs", "list", "--json").json[2]["id"]
    text = logged("logs", "show", first).out
    assert text.startswith(f"# {first}\n")
    assert "## user\n\nhow do I clear a paper jam\n" in text
    assert "7 + 7 tokens · $0" in text
    assert logged("logs", "show", first, "--answer").out == "how do I clear a paper jam\n"
    assert "holds no code block" in logged("logs", "show", first, "-x").err
    logged("prompt", "Two:\n```sh\nls\n```\nthen\n```python\nprint(1)\n```", "-m", "echo")
    assert logged("logs", "show", "-x").out == "print(1)\n"
    assert logged("logs", "show", "-x", "--json=answer").json == {"answer": "print(1)\n"}
    nothing = logged("logs", "show", "fff")
    assert (nothing.code, "there is no logged call 'fff'" in nothing.err) == (1, True)


def test_search(logged: Run) -> None:
    (row,) = golden("logs-search", logged("logs", "search", "paper JAM", "--json").json)
    assert row["match"] == "how do I clear a paper jam"
    assert logged("logs", "search", "backups").out.count("\n") == 1
    assert logged("logs", "search", "paper backups", "--json").json == []
    assert logged("logs", "search", "paper", "--command", "query", "--json").json == []
    assert logged("logs", "search", " ").code == 2
    assert logged("logs", "search", "back*").out.count("\n") == 1
    assert logged("logs", "search", '"a paper"').out.count("\n") == 1
    assert logged("logs", "search", '"paper a"').out == ""
    assert logged("logs", "search", 'paper" OR (NEAR').out == ""


def test_search_in_scripts_without_spaces(opsvi: Run) -> None:
    opsvi("prompt", "漢字を勉強する。 Kanji lernen", "-m", "echo")
    for word in ("勉強", "字", "kanji"):
        (row,) = opsvi("logs", "search", word, "--json").json
        assert row["match"] == "漢字を勉強する。 Kanji lernen"
    assert opsvi("logs", "search", "強勉", "--json").json == []


def test_rm(logged: Run, home: Path) -> None:
    unsure = logged("logs", "rm", "--all", stdin="")
    assert unsure.code == 2
    assert "Remove 3 logged calls?" in unsure.err
    assert logged("logs", "rm").code == 2
    assert logged("logs", "rm", "last", "--all").code == 2
    assert logged("logs", "rm", "--older", "1d").out == "removed 0 calls\n"
    assert golden("logs-rm", logged("logs", "rm", "last", "--yes", "--json").json) == {"removed": 1}
    assert logged("logs", "rm", "--all", "--yes").out == "removed 2 calls\n"
    assert logged("logs", "list", "--json").json == []
    (path,) = home.rglob("calls.db")
    written = b"".join(file.read_bytes() for file in path.parent.glob("calls.db*"))
    assert b"paper" not in written


def test_export(logged: Run, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in logged("logs", "export").out.splitlines()]
    assert golden("logs-export", lines) == logged("logs", "export", "--json").json
    assert len(lines) == 3
    done = logged("logs", "export", "--format", "md", "--command", "prompt", "-o", "calls.md")
    assert done.out == ""
    written = (tmp_path / "calls.md").read_text()
    assert written.count("## answer") == 2
    assert (tmp_path / "calls.md").stat().st_mode & 0o077 == 0
    assert len(logged("logs", "export", "-o", "-").out.splitlines()) == 3
    assert not (tmp_path / "-").exists()
    refused = logged("logs", "export", "-o", ".")
    assert (refused.code, refused.err.splitlines()[0]) == (1, f"opsvi: {tmp_path}: Is a directory")


def test_nothing_was_logged(opsvi: Run) -> None:
    assert opsvi("logs", "list", "--json").json == []
    assert opsvi("logs", "show").code == 1
    assert opsvi("prompt", "secret", "-m", "echo", env={"OPSVI_LOGS__ENABLED": "0"}).code == 0
    assert opsvi("logs", "list", "--json").json == []
