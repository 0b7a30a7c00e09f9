"""`check_tool` bites: one wrong tool for each promise."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from opsvi_cli.sdk import ToolSpec
from opsvi_cli.testing import check_tool, tools

SPEC = ToolSpec(
    "add",
    "Adds two numbers.",
    {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]},
)
ARGUMENTS: Any = {"a": 1, "b": 2}


class Add:
    spec: Any = SPEC
    side_effects: Any = False

    def call(self, arguments: Any) -> Any:
        return {"sum": arguments["a"] + arguments["b"]}


def test_good_ones() -> None:
    check_tool(Add(), ARGUMENTS)
    free = replace(SPEC, parameters={"type": "object"})
    check_tool(type("Free", (Add,), {"spec": free, "call": lambda _self, arguments: None})(), {})


SPECS: dict[str, tuple[Any, str]] = {
    "none": (None, "`spec` must be a ToolSpec; it is None"),
    "a name with blanks": (replace(SPEC, name="add two"), "the name of a tool must be 1 to 64 letters"),
    "no name": (replace(SPEC, name=""), "the name of a tool must be 1 to 64 letters"),
    "no description": (replace(SPEC, description=" "), "a tool must have a description"),
    "a list": (
        replace(SPEC, parameters={"type": "array"}),
        "JSON Schema of an object; their type is 'array'",
    ),
    "no schema": (replace(SPEC, parameters={"type": "objekt"}), "must be a JSON Schema of an object; they are not"),
    "no JSON": (replace(SPEC, parameters={"type": "object", "x": {1}}), "JSON Schema of an object; they are not"),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("name", SPECS)
def test_wrong_specs(name: str, broken: Callable[..., Any]) -> None:
    spec, words = SPECS[name]
    found = broken(check_tool, type("Wrong", (Add,), {"spec": spec})(), ARGUMENTS)
    assert any(words in sentence for sentence in found), found


def test_side_effects_that_are_not_said(broken: Callable[..., Any]) -> None:
    (found,) = broken(check_tool, type("Wrong", (Add,), {"side_effects": None})(), ARGUMENTS)
    assert found == "`side_effects` must be True or False; it is None"
    (found,) = broken(check_tool, type("Wrong", (Add,), {"taints": "no"})(), ARGUMENTS)
    assert found == "`taints` must be True or False; it is 'no'"


def test_arguments_that_do_not_fit(broken: Callable[..., Any]) -> None:
    found = broken(check_tool, Add(), {"a": 1})
    assert any("must fit the parameters of the tool; 'b' is a required property" in sentence for sentence in found)


def test_a_spec_that_changes(broken: Callable[..., Any]) -> None:
    class Restless(Add):
        uses = 0

        @property
        def spec(self) -> Any:  # type: ignore[override]
            self.uses += 1
            return replace(SPEC, description=f"Version {self.uses}")

    assert any("`spec` must stay the same" in sentence for sentence in broken(check_tool, Restless(), ARGUMENTS))


def _raises(_arguments: Any) -> Any:
    raise RuntimeError("oh")


def _clears(arguments: Any) -> Any:
    result = arguments["a"] + arguments["b"]
    arguments.clear()
    return result


def _exits(arguments: Any) -> Any:
    if len(arguments) < 2:
        raise SystemExit("usage: add A B")
    return arguments["a"] + arguments["b"]


CALLS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a set": (lambda arguments: {arguments["a"] + arguments["b"]}, "what `call` gives must be JSON; it is not"),
    "not a number": (lambda a: float("nan") * (a["a"] + a["b"]), "what `call` gives must be JSON; it is not"),
    "a tuple": (lambda a: (a["a"] + a["b"],), "what `call` gives must be JSON; expected (3,), got [3]"),
    "raises": (_raises, "must work; it raised RuntimeError: oh"),
    "eats its input": (_clears, "`call` must leave its arguments as they are"),
    "never complains": (lambda _arguments: 3, "must raise an exception for arguments that do not fit; with no arg"),
    "takes defaults": (
        lambda a: a["a"] + a.get("b", 0) if a else a["a"],
        "for arguments that do not fit; with no 'b' it gave 1",
    ),
    "takes objects": (
        lambda a: [a["a"], a["b"]] and 1,
        "with an object without a meaning as 'a' it gave 1",
    ),
    "ends the program": (_exits, "with no arguments it raised SystemExit: usage: add A B"),
}


@pytest.mark.parametrize("name", CALLS)
def test_wrong_calls(name: str, broken: Callable[..., Any]) -> None:
    call, words = CALLS[name]
    wrong = type("Wrong", (Add,), {"call": lambda _self, arguments: call(arguments)})
    found = broken(check_tool, wrong(), ARGUMENTS)
    assert any(words in sentence for sentence in found), found


def test_a_tool_that_hangs(broken: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "SECONDS", 0.05)
    done = threading.Event()

    class Hangs(Add):
        def call(self, arguments: Any) -> Any:
            if len(arguments) < 2:
                done.wait(60)
            return super().call(arguments)

    try:
        found = broken(check_tool, Hangs(), ARGUMENTS)
    finally:
        done.set()
    assert any("it was still running after 0.05 s" in sentence for sentence in found), found
