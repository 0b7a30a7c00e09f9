"""`opsvi tools`: what models may call, by hand; and the record of all calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError, PartialError, PluginError, StoreError, UsageError

if TYPE_CHECKING:
    from opsvi_cli.llm.tools.toolbox import Entry, Toolbox

HELP = """List and call the functions that models may use, and read the record of their calls.

Examples:

\b
  opsvi tools list
  opsvi tools call calculator '{"expression": "17 * 23"}'
  opsvi prompt "What is 17 * 23?" --tool calculator
"""
app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False, help=HELP)
_FIELDS = ("name", "permission", "reason", "side_effects", "description")
_LOG = ("line", "time", "event", "tool", "arguments", "decision", "by", "outcome", "sound")


@app.command(name="list")
def list_tools(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Names or globs; mcp.* connects to MCP servers")
    ] = None,
) -> None:
    """List the tools that models may call, and whether they are allowed, asked for or denied.

    Tools of MCP servers are listed when they are named: `mcp.*`.

    Examples:

    \b
      opsvi tools list
      opsvi tools list 'mcp.files.*' --json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.rag.tools import EXTRA
    from opsvi_cli.render.output import show_rows

    every = sorted({*EXTRA, *(part.name for part in app.plugins.registry.parts("tool"))})
    rows: list[dict[str, Any]] = []
    broken: list[PluginError] = []
    for group in [names] if names else [[name] for name in every]:
        try:
            with _open(app, group) as toolbox:
                rows.extend(_row(toolbox, entry) for entry in toolbox.entries())
        except PluginError as error:
            if names:
                raise
            broken.append(error)
    show_rows(app, rows, _FIELDS, columns=("name", "permission", "description"), empty="there is no tool")
    if broken:
        text = "; ".join(error.message for error in broken)
        raise PartialError(f"some tools are missing: {text}", hint=broken[0].hint)


def _open(app: AppContext, names: list[str]) -> Toolbox:
    from opsvi_cli.rag.tools import open_toolbox

    toolbox = open_toolbox(app, names, lambda _call, _result: None)
    assert toolbox is not None  # names were given
    return toolbox


def _row(toolbox: Toolbox, entry: Entry) -> dict[str, Any]:
    decision = toolbox.decision(entry)
    return {
        "name": entry.name,
        "permission": decision.verdict,
        "reason": decision.reason,
        "side_effects": entry.side_effects,
        "description": entry.spec.description,
    }


def _only(toolbox: Toolbox, name: str) -> Entry:
    """Raises UsageError for a glob that means several tools."""
    if len(toolbox.entries()) > 1:
        raise UsageError(f"{name!r} means {', '.join(toolbox.names)}", hint="name one of them")
    return toolbox.entries()[0]


@app.command(name="show")
def show(ctx: typer.Context, name: Annotated[str, typer.Argument(help="A tool: opsvi tools list")]) -> None:
    """Show what a model is told of a tool: its description and the JSON Schema of its arguments.

    Examples:

    \b
      opsvi tools show calculator
    """
    app: AppContext = ctx.obj
    from opsvi_cli.render.output import dump, show_record

    with _open(app, [name]) as toolbox:
        entry = _only(toolbox, name)
        record = {
            "name": entry.name,
            "description": entry.spec.description,
            "parameters": dict(entry.spec.parameters),
            "side_effects": entry.side_effects,
            "permission": toolbox.decision(entry).verdict,
        }
    show_record(app, record, lambda: dump(record, indent=2) + "\n", fields=tuple(record))


@app.command(name="call")
def call(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A tool: opsvi tools list")],
    arguments: Annotated[str, typer.Argument(metavar="[JSON]", help="Its arguments, a JSON object")] = "{}",
) -> None:
    """Call a tool by hand, through the same checks and the same record as a model's call.

    Examples:

    \b
      opsvi tools call calculator '{"expression": "2 ** 10"}'
      opsvi tools call date '{"until": "2030-01-01"}'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.tools.arguments import parse_arguments
    from opsvi_cli.render.output import show_record, write
    from opsvi_cli.sdk import ToolCall

    with _open(app, [name]) as toolbox:
        entry = _only(toolbox, name)
        asks = toolbox.decision(entry).verdict == "ask"
        result = toolbox.run(ToolCall("by-hand", entry.spec.name, arguments))
    if result.is_error:
        try:  # it is on record by now; what was typed wrong is wrong use
            parse_arguments(arguments, entry.spec, trusted=not entry.server)
        except UsageError as error:
            raise UsageError(error.message, hint=f"opsvi tools show {name}") from error
        allow = f"call it on a terminal, or opsvi config set tools.allow {name}; " if asks and not app.may_ask else ""
        raise OpsviError(result.text.removeprefix("error: "), hint=f"{allow}opsvi tools show {name}")
    if app.options.machine:
        show_record(app, {"tool": entry.name, "result": result.text}, str, fields=("tool", "result"))
    else:
        write(app, result.text.rstrip("\n") + "\n")


@app.command(name="log")
def log(
    ctx: typer.Context,
    last: Annotated[int, typer.Option("-n", "--last", min=1, help="How many lines, the newest at the end")] = 50,
) -> None:
    """Show the record of all calls, and check that no line of it was changed or taken out.

    Examples:

    \b
      opsvi tools log
      opsvi tools log --last 1000 --json=time,tool,decision
    """
    app: AppContext = ctx.obj
    from collections import deque

    from opsvi_cli.llm.tools.audit import audit_file, entries, head_file
    from opsvi_cli.render.output import show_rows

    path = audit_file(app)
    kept: deque[dict[str, Any]] = deque(maxlen=last)
    broken: list[int] = []
    for number, entry in entries(path):
        sound = entry is not None
        if entry is None:
            broken.append(number)
            entry = {} if app.options.machine else {"time": f"line {number}", "event": "broken"}
        row = {name: entry.get(name) for name in _LOG}
        kept.append({**row, "line": number, "sound": sound})
    columns = ("time", "event", "tool", "arguments", "decision", "by", "outcome")
    show_rows(app, list(kept), _LOG, columns=columns, empty="no tool was called yet")
    if broken:
        raise StoreError(
            f"the record was changed: line {broken[0]} is missing or does not follow from the one above",
            hint=f"look at {path}; move it and {head_file(path).name} away to begin a new one",
        )
