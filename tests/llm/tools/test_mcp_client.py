"""MCP servers as a source of tools: real programs over stdio, a real HTTP server, and what can go wrong with them."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import NetworkError, NotFoundError, OpsviError, UsageError
from opsvi_cli.llm.tools.mcp_client import McpServer, configured, find_server, open_servers

pytest.importorskip("mcp")
SERVER = Path(__file__).resolve().parents[2] / "servers" / "mcp_tools.py"
Connect = Callable[..., McpServer]


@pytest.fixture
def make_app(home: Path, tmp_path: Path) -> Callable[..., AppContext]:
    def make(**servers: dict[str, Any]) -> AppContext:
        app = AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=dict(os.environ), cwd=str(tmp_path))
        app.settings = app.settings.__class__(**{**app.settings.__dict__, "mcp": servers})
        return app

    return make


@pytest.fixture
def fixture_server(make_app: Callable[..., AppContext]) -> Any:
    opened: list[McpServer] = []

    def connect(**extra: Any) -> McpServer:
        app = make_app(fix={"command": sys.executable, "args": [str(SERVER)], **extra})
        opened.append(McpServer(app, find_server(app, "fix")))
        return opened[-1]

    yield connect
    for server in opened:
        server.close()


def test_tools_are_listed_and_called(fixture_server: Connect) -> None:
    tools = {tool.spec.name: tool for tool in fixture_server().tools()}
    assert set(tools) == {"mcp.fix.add", "mcp.fix.fail", "mcp.fix.slow", "mcp.fix.secret", "mcp.fix.die"}
    add = tools["mcp.fix.add"]
    assert add.spec.description == "Adds two numbers"
    assert add.spec.parameters["required"] == ["a", "b"]
    assert add.side_effects
    assert add.call({"a": 2, "b": 3}) == {"result": 5}


def test_a_tool_that_fails_says_why(fixture_server: Connect) -> None:
    tools = {tool.spec.name: tool for tool in fixture_server().tools()}
    with pytest.raises(OpsviError, match="no such ticket"):
        tools["mcp.fix.fail"].call({})


def test_a_call_ends_at_the_servers_timeout(fixture_server: Connect) -> None:
    with pytest.raises(NetworkError, match=r"MCP server fix .* failed in slow"):
        fixture_server(timeout=1.5).call("slow", {})


def test_a_server_that_dies_is_one_error(fixture_server: Connect) -> None:
    server = fixture_server()
    with pytest.raises(NetworkError, match="failed in die"):
        server.call("die", {})


def test_a_server_sees_its_own_secret_and_no_other(fixture_server: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "tok-12345678")
    monkeypatch.setenv("UNRELATED_TOKEN", "other-12345678")
    server = fixture_server(env={"FIXTURE_TOKEN": "env:MY_TOKEN"})
    assert server.call("secret", {}) == {"result": "tok-12345678 none"}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "either `command`"),
        ({"command": "a", "url": "http://b"}, "either `command`"),
        ({"command": "a", "args": "b"}, "args is a list"),
        ({"command": "a", "env": {"A": 1}}, "env is a table of texts"),
        ({"url": "ftp://b"}, "is not an http or https URL"),
        ({"command": "a", "colour": "red"}, "there is no 'colour'"),
        ({"command": "a", "timeout": 0}, "timeout is a number of seconds"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(
    make_app: Callable[..., AppContext], table: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        configured(make_app(bad=table))


def test_unknown_server_names_those_there_are(make_app: Callable[..., AppContext]) -> None:
    with pytest.raises(NotFoundError, match="configured: fix"):
        find_server(make_app(fix={"command": "x"}), "fox")


@pytest.mark.parametrize("table", [{"command": "no-such-program-here"}, {"url": "http://127.0.0.1:9/mcp"}])
def test_a_server_that_is_not_there(make_app: Callable[..., AppContext], table: dict[str, Any]) -> None:
    with pytest.raises(NetworkError, match="cannot be reached"):
        open_servers(make_app(gone=table))


def test_a_program_that_speaks_no_protocol(make_app: Callable[..., AppContext]) -> None:
    app = make_app(cat={"command": sys.executable, "args": ["-c", "print('hello')"], "timeout": 5})
    with pytest.raises(NetworkError, match="MCP server cat"):
        open_servers(app)


def test_disabled_servers_are_not_started(make_app: Callable[..., AppContext]) -> None:
    assert open_servers(make_app(off={"command": "no-such-program-here", "enabled": False})) == []
