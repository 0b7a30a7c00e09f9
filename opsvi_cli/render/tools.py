"""Calls of tools as people see them: one line each, on stderr."""

from __future__ import annotations

from opsvi_cli.context import AppContext
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.sdk import ToolCall, ToolResult

from .output import message

_WIDTH = 100


def say_call(app: AppContext, call: ToolCall, result: ToolResult) -> None:
    """`tool calculator {"expression": "2+2"} -> 4`."""
    message(app, f"tool {call.name} {_short(call.arguments)} -> {_short(result.text)}")


def _short(text: str) -> str:
    line = " ".join(plain(text).split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
