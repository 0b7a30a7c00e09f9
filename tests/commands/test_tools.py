"""`opsvi tools`, and `prompt --tool` with the model that calls what it is told."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Run = Callable[..., Any]


def golden(name: str, value: Any) -> None:
    jsonschema.validate(value, json.loads((GOLDEN / f"{name}.schema.json").read_text()))


def test_list(opsvi: Run) -> None:
    rows = opsvi("tools", "list", "--json").json
    golden("tools-list", rows)
    assert {row["name"]: row["permission"] for row in rows} == {
        "calculator": "allow",
        "date": "allow",
        "http_get": "ask",
        "read_file": "allow",
        "search": "allow",
    }


def test_a_broken_tool_hides_no_other(opsvi: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad_tools.py").write_text(
        "from opsvi_cli.sdk import hookimpl\nOPSVI_API = '1.0'\n\n@hookimpl\n"
        "def opsvi_register(registry):\n    registry.tool('bad', 'bad_tools:nothing', help='Broken')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    env = {"OPSVI_PLUGINS": "bad_tools"}
    done = opsvi("tools", "list", "--json", env=env)
    assert done.code == 3
    assert len(done.json) == 5
    assert "some tools are missing" in done.err
    assert opsvi("tools", "list", "bad", env=env).code == 7
    assert opsvi("prompt", "x", "--tool", "bad", "-m", "echo/call", env=env).code == 7
    sys.modules.pop("bad_tools", None)


@pytest.mark.parametrize("command", ["show", "call"])
def test_one_tool_at_a_time(command: str, opsvi: Run) -> None:
    done = opsvi("tools", command, "*a*")
    assert (done.code, done.out) == (2, "")
    assert "means calculator, date, read_file, search" in done.err


def test_show(opsvi: Run) -> None:
    record = opsvi("tools", "show", "calculator", "--json").json
    golden("tools-show", record)
    assert record["parameters"]["required"] == ["expression"]
    assert json.loads(opsvi("tools", "show", "calculator").out) == record


def test_call_and_log(opsvi: Run) -> None:
    assert opsvi("tools", "call", "calculator", '{"expression": "6*7"}').out == "42\n"
    done = opsvi("tools", "call", "calculator", '{"expression": "6*7"}', "--json").json
    golden("tools-call", done)
    failed = opsvi("tools", "call", "calculator", '{"expression": "1/0"}')
    assert (failed.code, failed.out) == (1, "")
    assert "a division by zero" in failed.err
    refused = opsvi("tools", "call", "http_get", '{"url": "http://example.org"}')
    assert refused.code == 1
    assert "the user does not allow http_get" in refused.err
    assert "opsvi config set tools.allow http_get" in refused.err
    rows = opsvi("tools", "log", "--json").json
    golden("tools-log", rows)
    assert [row["event"] for row in rows] == ["call", "result"] * 3 + ["refused"]


def test_a_changed_record_is_noticed(opsvi: Run, home: Path) -> None:
    opsvi("tools", "call", "calculator", '{"expression": "6*7"}')
    (path,) = home.rglob("tools-audit.jsonl")
    path.write_text(path.read_text().replace("6*7", "6*8"))
    done = opsvi("tools", "log")
    assert done.code == 1
    assert "line 1 is missing or does not follow" in done.err
    assert done.out.splitlines()[0].split("\t")[:2] == ["line 1", "broken"]


def test_a_model_calls_tools(opsvi: Run) -> None:
    text = 'calculator {"expression": "6*7"}\ndate {"day": "2024-02-29"}'
    done = opsvi("prompt", text, "--tool", "calculator", "--tool", "date", "-m", "echo/call")
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "42"
    assert "2024-02-29" in done.out
    assert 'tool calculator {"expression": "6*7"} -> 42' in done.err


def test_a_model_that_cannot_is_told_before(opsvi: Run) -> None:
    done = opsvi("prompt", "x", "--tool", "calculator", "-m", "echo")
    assert done.code == 2
    assert "does not do tools" in done.err


@pytest.mark.parametrize("name", ["nope", "mcp.nope.x"])
def test_a_tool_that_is_not_there(opsvi: Run, name: str) -> None:
    done = opsvi("prompt", "x", "--tool", name, "-m", "echo/call")
    assert done.code == 2
    assert f"there is no tool '{name}'" in done.err


@pytest.mark.parametrize("fault", ["tool-call", "tool-bad-json", "tool-not-object", "tool-unknown", "tool-no-id"])
def test_a_model_that_goes_round_in_circles_is_stopped(fault: str, opsvi: Run, fault_server: Any) -> None:
    """These servers make the same call whatever they are told."""
    url = fault_server.url(fault)
    done = opsvi("prompt", "x", "--tool", "calculator", "-m", "openai/m", "--base-url", url)
    assert done.code == 1
    assert "with the same arguments 4 times" in done.err
    assert fault_server.count(fault) == 4
    assert done.err.count("-> error: there is no tool") == 3


@pytest.mark.parametrize("arguments", ["not json", "[]", '{"expression": 3}', "{}"])
def test_arguments_that_are_none_are_wrong_use(opsvi: Callable[..., Any], arguments: str) -> None:
    done = opsvi("tools", "call", "calculator", arguments)
    assert (done.code, done.out) == (2, "")
    assert "hint: opsvi tools show calculator" in done.err
    (line,) = opsvi("tools", "log", "--json").json
    assert (line["event"], line["tool"]) == ("refused", "calculator")
