"""`opsvi mcp`: MCP servers whose tools models may use, and opsvi as such a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import CredentialsError, NetworkError, PartialError, UsageError

if TYPE_CHECKING:
    from opsvi_cli.server.mcp_server import ServeOptions

HELP = """Use tools of MCP servers, and be a server for other programs.

Examples:

\b
  opsvi config set mcp.files.command mcp-server-files
  opsvi mcp tools files
  opsvi mcp serve -c handbook
"""
app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False, help=HELP)
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@app.command(name="list")
def list_servers(ctx: typer.Context) -> None:
    """List the MCP servers of the settings. Nothing is started.

    Examples:

    \b
      opsvi mcp list
      opsvi config set mcp.files.command mcp-server-files
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.tools.mcp_client import configured
    from opsvi_cli.render.output import show_rows

    rows = [
        {"name": c.name, "kind": "http" if c.url else "program", "where": c.where, "enabled": c.enabled}
        for c in configured(app)
    ]
    fields = ("name", "kind", "where", "enabled")
    show_rows(
        app, rows, fields, columns=fields, empty="no MCP server is configured: opsvi config set mcp.NAME.command ..."
    )


@app.command(name="tools")
def tools(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Servers; all when none is named")
    ] = None,
) -> None:
    """Connect to MCP servers and list their tools.

    Examples:

    \b
      opsvi mcp tools files
      opsvi mcp tools --json=name,parameters
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.tools.mcp_client import McpServer, configured, find_server
    from opsvi_cli.render.output import show_rows

    if not configured(app):
        raise UsageError("no MCP server is configured", hint="opsvi config set mcp.NAME.command PROGRAM")
    servers = [find_server(app, name) for name in names] if names else [c for c in configured(app) if c.enabled]
    rows: list[dict[str, Any]] = []
    failed: list[NetworkError] = []
    for config in servers:
        try:
            with McpServer(app, config) as server:
                specs = [tool.spec for tool in server.tools()]
        except NetworkError as error:
            if len(servers) == 1:
                raise
            failed.append(error)
        else:
            rows += ({"name": s.name, "description": s.description, "parameters": dict(s.parameters)} for s in specs)
    fields = ("name", "description", "parameters")
    show_rows(app, rows, fields, columns=("name", "description"), empty="the servers offer no tool")
    if failed:
        raise PartialError("; ".join(error.message for error in failed), hint=failed[0].hint)


@app.command(name="serve")
def serve(
    ctx: typer.Context,
    collection: Annotated[
        list[str] | None, typer.Option("-c", "--collection", metavar="NAME", help="Only this collection; repeatable")
    ] = None,
    root: Annotated[
        str, typer.Option("--root", metavar="FOLDER", help="Folder below which `extract` may read files")
    ] = ".",
    model: Annotated[
        str | None, typer.Option("-m", "--model", metavar="MODEL", help="Model that `query` asks: provider/model")
    ] = None,
    http: Annotated[str, typer.Option("--http", metavar="HOST:PORT", help="Serve HTTP in place of stdio")] = "",
    token: Annotated[
        str, typer.Option("--token", metavar="REF", help="Reference of the token that callers send: env:NAME")
    ] = "",
) -> None:
    """Offer search, query and extract to other programs over MCP. Nothing that is offered changes anything.

    Over stdio the calling program starts this command; with --http it listens until Ctrl-C.

    Examples:

    \b
      opsvi mcp serve -c handbook
      opsvi mcp serve --http 127.0.0.1:8731
      opsvi mcp serve --http 0.0.0.0:8731 --token env:OPSVI_MCP_TOKEN
    """
    app: AppContext = ctx.obj
    from opsvi_cli.server.mcp_server import ServeOptions, serve_stdio, with_root

    options = with_root(ServeOptions(root=_here(app), collections=tuple(collection or ()), model=model), root, app.cwd)
    if token and not http:
        raise UsageError("--token is for --http", hint="opsvi mcp serve --http HOST:PORT --token env:NAME")
    if http:
        _listen(app, options, http, token)
    elif app.stdin is None or app.stdin.closed or app.is_terminal(app.stdin):
        raise UsageError(
            "over stdio another program starts this command", hint="add it there as: opsvi mcp serve; or use --http"
        )
    else:
        serve_stdio(app, options)


def _here(app: AppContext) -> Any:
    from pathlib import Path

    return Path(app.cwd)


def _listen(app: AppContext, options: ServeOptions, address: str, token: str) -> None:
    from opsvi_cli.render.output import message
    from opsvi_cli.server.mcp_server import serve_http

    host, colon, port = address.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--http {address!r} is not HOST:PORT", hint="--http 127.0.0.1:8731")
    if host not in _LOOPBACK and not token:
        raise CredentialsError(
            f"{host} can be reached by others: a token is needed", hint="--token env:NAME, or listen on 127.0.0.1"
        )
    secret = app.foundation.secrets.resolve(token) if token else ""
    serve_http(app, options, host, int(port), secret, lambda url: message(app, f"MCP server at {url}; Ctrl-C ends it"))
