"""Tools of MCP servers (Model Context Protocol, https://modelcontextprotocol.io): programs over stdio, or HTTP servers.

A server is a table of the settings, `[mcp.NAME]`: `command`, `args`, `env`, `cwd` for a program, or `url`, `headers`
for a server that runs. Values of `env` and `headers` may be references (`env:NAME`, `file:PATH`). A server may be
hostile: its names, texts and results are data, all of its tools count as having side effects, every wait has an end.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from opsvi_cli.errors import NetworkError, NotFoundError, OpsviError, UsageError
from opsvi_cli.foundation.redact import is_reference
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.sdk import JSON, ToolSpec

if TYPE_CHECKING:
    from mcp import Client

    from opsvi_cli.context import AppContext

    from .mcp_connection import Connection

T = TypeVar("T")
PREFIX = "mcp."
CALL_SECONDS = 30.0
"""How long a server may take for one answer, unless its table says otherwise."""
START_SECONDS = 30.0
"""How long it may at least take to begin: two answers, and whatever a program does before."""
_KEYS = frozenset({"command", "args", "env", "cwd", "url", "headers", "timeout", "enabled"})
_MAX_TOOLS = 200
_MAX_DESCRIPTION = 4000
_MAX_SCHEMA = 100_000
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_SERVER_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
"""Without dots: the names of two servers' tools must not be the same, or one could pass for the other in a glob."""


@dataclass(frozen=True)
class McpConfig:
    """One `[mcp.NAME]` table, checked. `timeout` is in seconds, for each answer."""

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None
    cwd: str = ""
    url: str = ""
    headers: Mapping[str, str] | None = None
    timeout: float = CALL_SECONDS
    enabled: bool = True

    @property
    def where(self) -> str:
        """What is started or called, for people."""
        return self.url or " ".join((self.command, *self.args))


def configured(app: AppContext) -> list[McpConfig]:
    """Every server of the settings, by name. Raises UsageError for a table that cannot be one."""
    return [_config(name, table) for name, table in sorted(app.settings.mcp.items())]


def find_server(app: AppContext, name: str) -> McpConfig:
    """Raises NotFoundError for a server that is not in the settings."""
    if name not in app.settings.mcp:
        known = ", ".join(sorted(app.settings.mcp)) or "none"
        raise NotFoundError(
            f"there is no MCP server {name!r}; configured: {known}", hint=f"opsvi config set mcp.{name}.command PROGRAM"
        )
    return _config(name, app.settings.mcp[name])


def _config(name: str, table: Mapping[str, Any]) -> McpConfig:
    def wrong(what: str) -> UsageError:
        return UsageError(
            f"mcp.{name}: {what}", hint=f"opsvi config list shows it; opsvi config set mcp.{name}.KEY VALUE"
        )

    if not _SERVER_NAME.match(name):
        raise wrong("the name of a server is up to 64 letters, digits, _ and -")
    if unknown := sorted(set(table) - _KEYS):
        raise wrong(f"there is no {unknown[0]!r}; there are {', '.join(sorted(_KEYS))}")
    if bool(table.get("command")) == bool(table.get("url")):
        raise wrong("either `command` (a program) or `url` (a running server) is needed")
    for key in ("command", "url", "cwd"):
        if not isinstance(table.get(key, ""), str):
            raise wrong(f"{key} is a text")
    args = table.get("args", [])
    if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
        raise wrong('args is a list of texts, e.g. ["--root", "."]')
    for key in ("env", "headers"):
        values = table.get(key, {})
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise wrong(f"{key} is a table of texts")
    timeout = table.get("timeout", CALL_SECONDS)
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0:
        raise wrong("timeout is a number of seconds")
    url = str(table.get("url", ""))
    if url and not url.startswith(("http://", "https://")):
        raise wrong(f"{url!r} is not an http or https URL")
    return McpConfig(name, **{**table, "args": tuple(args), "timeout": float(timeout)})


class McpTool:
    """A tool of a server, as the sdk's `Tool`."""

    side_effects = True

    def __init__(self, server: McpServer, remote: str, spec: ToolSpec) -> None:
        self._server = server
        self._remote = remote
        self.spec = spec

    def call(self, arguments: Mapping[str, JSON]) -> JSON:
        """The server's structured result, else its text. Raises OpsviError when it says that it failed."""
        return self._server.call(self._remote, arguments)


class McpServer:
    """One server, connected. Its protocol runs in a thread beside; close it when done."""

    def __init__(self, app: AppContext, config: McpConfig) -> None:
        self.config = config
        self._app = app
        app.log.debug("MCP server %s: connecting", config.name)  # opens the log: the library's goes the same way
        with ExitStack() as stack:
            self._connection = self._connect(stack)
            stack.callback(self._connection.close)
            self._stack = stack.pop_all()

    def __enter__(self) -> McpServer:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; a program that was started is stopped, by force after a few seconds."""
        self._stack.close()

    def _connect(self, stack: ExitStack) -> Connection:
        try:
            from mcp import Client
            from mcp.types import Implementation

            from .mcp_connection import Connection
        except ImportError as error:
            raise UsageError(
                "MCP needs the package mcp, which is not installed", hint="pip install 'opsvi[mcp]'"
            ) from error
        from opsvi_cli import __version__

        client = Client(
            self._transport(stack),
            read_timeout_seconds=self.config.timeout,
            client_info=Implementation(name="opsvi", version=__version__),
            cache=None,
        )
        with self._said("cannot be reached"):
            return Connection(client, self._app.remaining, max(START_SECONDS, 2 * self.config.timeout))

    def _transport(self, stack: ExitStack) -> Any:
        """A program's pipes, or HTTP. Redirects to another origin are not followed by the library."""
        config = self.config
        if config.url:
            import httpx2
            from mcp.client.streamable_http import streamable_http_client

            http = self._app.settings.http
            timeout = httpx2.Timeout(config.timeout, connect=min(http.connect_timeout, config.timeout))
            headers = {name: self._secret(value) for name, value in (config.headers or {}).items()}
            return streamable_http_client(
                config.url, http_client=httpx2.AsyncClient(headers=headers, timeout=timeout, trust_env=False)
            )
        from mcp.client.stdio import StdioServerParameters, stdio_client

        parameters = StdioServerParameters(
            command=config.command,
            args=list(config.args),
            env={name: self._secret(value) for name, value in (config.env or {}).items()},
            cwd=str(Path(self._app.cwd, config.cwd).expanduser()) if config.cwd else self._app.cwd,
            encoding_error_handler="replace",
        )
        return stdio_client(parameters, errlog=stack.enter_context(self._errors_file()))

    @property
    def _errors(self) -> Path:
        """What the program says on stderr: a file for its user's eyes, the last run only."""
        return self._app.paths.state / "mcp" / f"{self.config.name}.log"

    def _errors_file(self) -> TextIO:
        from opsvi_cli.foundation.paths import private_dir

        private_dir(self._errors.parent)
        return self._errors.open("w", encoding="utf-8")

    def _secret(self, value: str) -> str:
        return self._app.foundation.secrets.resolve(value) if is_reference(value) else value

    @contextlib.contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """Whatever protocol, library or server raise becomes NetworkError; opsvi's own errors pass."""
        try:
            yield
        except OpsviError:
            raise
        except Exception as error:
            first = _first(error)
            reason = (plain(str(first)).strip().splitlines() or [type(first).__name__])[0][:300]
            config = self.config
            if config.command and (last := self._last_words()):
                reason += f"; it said: {last}"
            raise NetworkError(
                self._app.redactor.redact(f"MCP server {config.name} ({config.where}) {what}: {reason}"),
                hint=f"all that it said is in {self._errors}" if config.command else "is it running? is the URL right?",
            ) from error

    def _last_words(self) -> str:
        """The last line that the program wrote on stderr."""
        with contextlib.suppress(OSError), self._errors.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = plain(file.read().decode("utf-8", "replace")).strip().splitlines()
            return lines[-1].strip()[:200] if lines else ""
        return ""

    def _run(self, action: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        return self._connection.run(action, self.config.timeout)

    def tools(self) -> list[McpTool]:
        """What the server offers, under names `mcp.SERVER.TOOL`. What has no usable shape is left out, and said."""
        found: dict[str, McpTool] = {}
        offered = 0
        cursor: str | None = None
        for _ in range(20):  # a paginator that never ends must not hang
            with self._said("does not list its tools"):
                page = self._run(lambda client: client.list_tools(cursor=cursor))  # noqa: B023  # run at once
            offered += len(page.tools)
            for tool in page.tools:
                if tool.name not in found and len(found) < _MAX_TOOLS and _usable(tool.name, tool.input_schema):
                    description = " ".join(plain(tool.description or "").split())[:_MAX_DESCRIPTION]
                    spec = ToolSpec(f"{PREFIX}{self.config.name}.{tool.name}", description, tool.input_schema)
                    found[tool.name] = McpTool(self, tool.name, spec)
            cursor = page.next_cursor
            if not cursor or len(found) >= _MAX_TOOLS:
                break
        if offered > len(found):
            self._app.warn(
                f"MCP server {self.config.name}: {offered - len(found)} of {offered} tools are left out: at most "
                f"{_MAX_TOOLS} are taken, each name once, of letters, digits, _ . -, with a schema below 100 kB"
            )
        return list(found.values())

    def call(self, tool: str, arguments: Mapping[str, JSON]) -> JSON:
        with self._said(f"failed in {tool}"):
            result = self._run(lambda client: client.call_tool(tool, dict(arguments)))
        text = "\n".join(_text(block) for block in result.content)
        if result.is_error:
            raise OpsviError(text[:_MAX_DESCRIPTION] or f"{tool} failed and does not say why")
        if result.structured_content is not None:
            structured: JSON = result.structured_content
            return structured
        return text


def _usable(name: str, schema: Any) -> bool:
    if not _NAME.match(name) or not isinstance(schema, dict):
        return False
    try:
        return len(json.dumps(schema)) <= _MAX_SCHEMA
    except (ValueError, RecursionError):
        return False


def _text(block: Any) -> str:
    """A block of a result as a model reads it; pictures and sound are named, not sent."""
    text = getattr(block, "text", None)
    if isinstance(text, str):
        return text
    resource = getattr(block, "resource", None)
    inner = getattr(resource, "text", None)
    if isinstance(inner, str):
        return inner
    kind = getattr(block, "mime_type", None) or getattr(resource, "mime_type", None) or block.type
    return f"[{kind}, not shown]"


def _first(error: BaseException) -> BaseException:
    """The cause inside the groups that structured concurrency wraps around it."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error


def open_servers(app: AppContext, names: list[str] | None = None) -> list[McpServer]:
    """Connections to servers by name, or to every enabled one. The caller closes them; after an error none is open."""
    configs = [config for config in configured(app) if config.enabled] if names is None else []
    for name in names or ():
        configs.append(find_server(app, name))
    opened: list[McpServer] = []
    try:
        for config in configs:
            opened.append(McpServer(app, config))
    except BaseException:
        for server in opened:
            server.close()
        raise
    return opened
