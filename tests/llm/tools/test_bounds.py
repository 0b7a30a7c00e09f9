"""What a hostile schema, tool or server cannot do: take for ever, speak for others, leave the record unreadable."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import DeadlineError, UsageError
from opsvi_cli.llm.tools.arguments import parse_arguments
from opsvi_cli.llm.tools.consent import visible
from opsvi_cli.llm.tools.limits import TookTooLong, cut, within
from opsvi_cli.llm.tools.toolbox import Entry, Toolbox
from opsvi_cli.sdk import ToolCall, ToolSpec

OBJECT: dict[str, Any] = {"type": "object"}


@pytest.fixture
def app(home: Path, tmp_path: Path) -> AppContext:
    return AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=dict(os.environ), cwd=str(tmp_path))


class Remote:
    """A tool with side effects, as those of MCP servers are."""

    side_effects = True
    taints = False

    def __init__(self, name: str, answer: Callable[[], Any] = lambda: "done") -> None:
        self.spec = ToolSpec(name, "Does it.", OBJECT)
        self._answer = answer

    def call(self, arguments: Any) -> Any:
        return self._answer()


def box(app: AppContext, *tools: tuple[str, Any, str]) -> Toolbox:
    """A toolbox of (name, tool, MCP server or nothing); everything is allowed."""
    app.set_flag("tools.allow", ["*"])
    entries = [Entry(name, tool, tool.spec, builtin=False, server=server) for name, tool, server in tools]
    return Toolbox(app, entries, (), lambda call, result: None)


def test_expressions_of_a_foreign_schema_are_left_out() -> None:
    """This one takes longer than the universe on the text below; a thread could not be stopped in it."""
    endless = "^(a+)+$"
    text = "a" * 60 + "!"
    properties = {"x": {"type": "string", "pattern": endless}, "pattern": {"type": "integer"}}
    spec = ToolSpec("t", "", {**OBJECT, "properties": properties, "additionalProperties": False})
    assert parse_arguments(f'{{"x": "{text}", "pattern": 1}}', spec, trusted=False) == {"x": text, "pattern": 1}
    for wrong in ('{"x": 1}', '{"pattern": "1"}', '{"y": 1}'):
        with pytest.raises(UsageError):
            parse_arguments(wrong, spec, trusted=False)
    named = ToolSpec("t", "", {**OBJECT, "patternProperties": {endless: {}}, "additionalProperties": False})
    assert parse_arguments(f'{{"{text}": 1}}', named, trusted=False) == {text: 1}


def test_expressions_of_ones_own_schema_hold() -> None:
    spec = ToolSpec("t", "", {**OBJECT, "properties": {"x": {"pattern": "^a$"}}})
    with pytest.raises(UsageError, match="does not match"):
        parse_arguments('{"x": "b"}', spec, trusted=True)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "#"},
        {"properties": {"x": {"type": "nonsense"}}},
        {"allOf": 3},
    ],
)
def test_a_schema_that_cannot_be_used_is_said(schema: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="schema of t cannot be used"):
        parse_arguments('{"x": 1}', ToolSpec("t", "", schema), trusted=False)


def test_half_a_character_is_replaced() -> None:
    """With it the connection to an MCP server broke, for all calls to come."""
    assert parse_arguments('{"\\ud800": ["\\udfffx"]}', ToolSpec("t", "", OBJECT), trusted=False) == {"?": ["?x"]}
    with pytest.raises(UsageError, match="not JSON"):
        parse_arguments('{"x": 1e400}', ToolSpec("t", "", OBJECT), trusted=False)


@pytest.mark.parametrize("trusted", [True, False])
def test_a_schema_that_grows_without_end_comes_to_one(trusted: bool) -> None:
    """Each level doubles the work: 2 to the power of 40 steps. A thread left alone in it would slow down all else."""
    levels: dict[str, Any] = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(40)}
    spec = ToolSpec("grow", "", {"$defs": {**levels, "l40": {}}, "$ref": "#/$defs/l0"})
    with pytest.raises(UsageError, match="more than 50000 steps"):
        parse_arguments("{}", spec, trusted=trusted)


def test_a_long_list_is_not_compared_each_with_each() -> None:
    spec = ToolSpec("t", "", {**OBJECT, "properties": {"rows": {"type": "array", "uniqueItems": True}}})
    assert parse_arguments('{"rows": [{}, 1]}', spec, trusted=False) == {"rows": [{}, 1]}
    with pytest.raises(UsageError, match="steps"):
        parse_arguments(json.dumps({"rows": [{"n": n} for n in range(100_000)]}), spec, trusted=False)


def test_long_arguments_are_no_hostile_ones() -> None:
    rows = {"type": "array", "items": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}}
    spec = ToolSpec("t", "", {**OBJECT, "properties": {"rows": rows}})
    text = json.dumps({"rows": [{"n": n} for n in range(5000)]})
    assert parse_arguments(text, spec, trusted=False) == json.loads(text)


def test_one_server_cannot_make_a_model_use_another(app: AppContext) -> None:
    """Descriptions of its tools are text of others: with it in the box, only its own tools are allowed unasked."""
    both = box(app, ("mcp.a.x", Remote("x"), "a"), ("mcp.b.y", Remote("y"), "b"), ("post", Remote("post"), ""))
    assert [both.run(ToolCall("1", name, "{}")).is_error for name in ("x", "y", "post")] == [True, True, True]
    alone = box(app, ("mcp.a.x", Remote("x"), "a"), ("mcp.a.y", Remote("y"), "a"), ("post", Remote("post"), ""))
    assert [alone.run(ToolCall("1", name, "{}")).is_error for name in ("x", "y", "post")] == [False, False, True]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), DeadlineError("late"), ValueError("\ud800")])
def test_whatever_a_tool_raises_is_a_result(app: AppContext, error: BaseException) -> None:
    def fail() -> None:
        raise error

    result = box(app, ("t", Remote("t", fail), "")).run(ToolCall("1", "t", "{}"))
    assert result.is_error
    assert result.text.startswith("error: ")
    result.text.encode()


def test_a_result_that_is_no_json_is_an_error(app: AppContext) -> None:
    result = box(app, ("t", Remote("t", lambda: {1, 2}), "")).run(ToolCall("1", "t", "{}"))
    assert "TypeError" in result.text


def test_secrets_of_the_user_do_not_reach_the_model(app: AppContext) -> None:
    app.redactor.learn("tok-very-secret-1")
    app.set_flag("tools.max_output", 100)
    tool = Remote("t", lambda: "x" * 95 + "tok-very-secret-1")
    text = box(app, ("t", tool, "")).run(ToolCall("1", "t", "{}")).text
    assert "tok-" not in text
    assert text.endswith("[cut: 112 characters, tools.max_output]")


def test_work_ends_in_time_and_gives_what_it_raises(app: AppContext) -> None:
    assert within(app, 5, lambda: 3, "x") == 3
    stop = threading.Event()
    with pytest.raises(TookTooLong):
        within(app, 0.05, stop.wait, "x")
    stop.set()
    with pytest.raises(KeyError):
        within(app, 5, lambda: {}["x"], "x")
    assert cut("short", 100, str) == "short"


def test_a_page_that_drips_in_is_given_up(app: AppContext) -> None:
    """No wait for a byte is long; all of them together are. Nothing goes on behind the answer."""
    app.set_flag("tools.timeout", 2)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n")
                while connection.send(b"x"):
                    time.sleep(0.05)

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        client = app.foundation.for_part("tool", "t", {}).http(allow_private=True)
        tool = Remote("t", lambda: client.get(url).text)
        assert box(app, ("t", tool, "")).run(ToolCall("1", "t", "{}")).text == (
            "error: it took longer than 2 s (tools.timeout)"
        )
        dripping.join(10)
        assert not dripping.is_alive()
    assert "the tool t" not in [thread.name for thread in threading.enumerate()]


def test_hidden_characters_are_shown_as_numbers() -> None:
    assert visible("a\u202eb\u200bc\x1b[2J\ud800\U000e0061\x9b") == (
        "a\\u202eb\\u200bc\\u001b[2J\\ud800\\U000e0061\\u009b"
    )
    assert visible("Straße 街\n  x") == "Straße 街\n  x"
