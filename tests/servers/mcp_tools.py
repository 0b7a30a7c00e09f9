"""An MCP server with tools that behave and misbehave; `python mcp_tools.py` speaks over stdio."""

from __future__ import annotations

import os
import time

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("fixture", log_level="ERROR")


@server.tool(description="Adds \x1b]0;pwned\x07two\nnumbers")
def add(a: int, b: int) -> int:
    return a + b


@server.tool()
def fail() -> str:
    raise ToolError("no such ticket")


@server.tool()
def slow() -> str:
    time.sleep(60)
    return "late"


@server.tool()
def secret() -> str:
    return os.environ.get("FIXTURE_TOKEN", "none") + " " + os.environ.get("UNRELATED_TOKEN", "none")


@server.tool()
def die() -> str:
    os._exit(3)


if __name__ == "__main__":
    server.run("stdio")
