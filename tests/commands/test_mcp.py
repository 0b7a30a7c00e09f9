"""`opsvi mcp list` and `tools`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SERVER = Path(__file__).resolve().parents[1] / "servers" / "mcp_tools.py"


@pytest.fixture
def with_server(opsvi: Callable[..., Any]) -> Callable[..., Any]:
    assert opsvi("config", "set", "mcp.fix.command", sys.executable).code == 0
    assert opsvi("config", "set", "mcp.fix.args", json.dumps([str(SERVER)])).code == 0
    return opsvi


def test_list_starts_nothing(with_server: Callable[..., Any]) -> None:
    rows = with_server("mcp", "list", "--json").json
    jsonschema.validate(rows, json.loads((GOLDEN / "mcp-list.schema.json").read_text()))
    assert rows == [{"name": "fix", "kind": "program", "where": f"{sys.executable} {SERVER}", "enabled": True}]


def test_tools_of_a_server(with_server: Callable[..., Any]) -> None:
    pytest.importorskip("mcp")
    rows = with_server("mcp", "tools", "fix", "--json").json
    jsonschema.validate(rows, json.loads((GOLDEN / "mcp-tools.schema.json").read_text()))
    assert rows[0]["name"] == "mcp.fix.add"
    assert "\x1b" not in with_server("mcp", "tools").out


def test_without_a_server(opsvi: Callable[..., Any]) -> None:
    assert opsvi("mcp", "list", "--json").json == []
    done = opsvi("mcp", "tools")
    assert done.code == 2
    assert "opsvi config set mcp." in done.err
