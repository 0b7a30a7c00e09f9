"""`check_agent_adapter` bites: a small adapter that keeps the contract, and one wrong variant for each promise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import pytest

from opsvi_cli.sdk import (
    AgentFinish,
    AgentHost,
    AgentMessage,
    AgentSpec,
    Finish,
    Message,
    ModelRequest,
    ProviderError,
    TextDelta,
    ToolResult,
)
from opsvi_cli.testing import check_agent_adapter


class Loop:
    """Asks the model, runs the tools it calls, asks again."""

    def run(self, spec: AgentSpec, task: str, host: AgentHost) -> Iterator[Any]:
        messages = self.first(spec, task)
        for _ in range(self.steps(spec)):
            text, finish = "", Finish("stop")
            for event in self.ask(host, ModelRequest("model", list(messages), tools=self.tools(spec))):
                if isinstance(event, TextDelta):
                    text += event.text
                    yield event
                elif isinstance(event, Finish):
                    finish = event
                    yield event.usage
            if not finish.tool_calls:
                yield from self.end(spec, text)
                return
            messages.append(Message("assistant", text, tool_calls=finish.tool_calls))
            for call in finish.tool_calls:
                yield call
                result = self.call(host, call)
                yield result
                messages.append(self.tell(result))
        yield self.stopped()

    def first(self, spec: AgentSpec, task: str) -> list[Message]:
        return [Message("system", spec.instructions), Message("user", task)]

    def tools(self, spec: AgentSpec) -> Any:
        return spec.tools

    def steps(self, spec: AgentSpec) -> int:
        return spec.max_steps

    def ask(self, host: AgentHost, request: ModelRequest) -> Iterator[Any]:
        return host.ask_model(request)

    def call(self, host: AgentHost, call: Any) -> Any:
        return host.call_tool(call)

    def tell(self, result: Any) -> Message:
        return Message("tool", result.text, tool_call_id=result.call_id)

    def end(self, spec: AgentSpec, text: str) -> Iterator[Any]:
        yield AgentMessage(spec.name, text)
        yield AgentFinish("answer")

    def stopped(self) -> Any:
        return AgentFinish("max_steps")


def test_a_good_one() -> None:
    check_agent_adapter(Loop())


def _dies_on_errors(_self: Any, host: AgentHost, call: Any) -> Any:
    result = host.call_tool(call)
    if result.is_error:
        raise ValueError(result.text)
    return result


def _parses(_self: Any, host: AgentHost, call: Any) -> Any:
    return host.call_tool(type(call)(call.id, call.name, json.dumps(json.loads(call.arguments))))


def _guesses(_self: Any, host: AgentHost, call: Any) -> Any:
    return host.call_tool(type(call)(call.id, call.name, '{"expression": "1"}'))


def _twice(_self: Any, host: AgentHost, call: Any) -> Any:
    host.call_tool(call)
    return host.call_tool(call)


def _retries(_self: Any, host: AgentHost, request: Any) -> Iterator[Any]:
    try:
        yield from host.ask_model(request)
    except ProviderError:
        yield from host.ask_model(request)


def _swallows(_self: Any, host: AgentHost, request: Any) -> Iterator[Any]:
    try:
        yield from host.ask_model(request)
    except Exception:
        yield Finish("stop")


def _wraps(_self: Any, host: AgentHost, request: Any) -> Iterator[Any]:
    try:
        yield from host.ask_model(request)
    except Exception as error:
        raise RuntimeError("the framework failed") from error


def _another_kind(_self: Any, host: AgentHost, request: Any) -> Iterator[Any]:
    try:
        yield from host.ask_model(request)
    except ProviderError as error:
        raise ProviderError(error.message, kind="rate") from error


def _no_finish(_self: Any, spec: AgentSpec, text: str) -> Iterator[Any]:
    yield AgentMessage(spec.name, text)


def _goes_on(_self: Any, spec: AgentSpec, text: str) -> Iterator[Any]:
    yield from (AgentMessage(spec.name, text), AgentFinish("answer"), TextDelta("PS"))


def _no_message(_self: Any, spec: AgentSpec, text: str) -> Iterator[Any]:
    yield AgentFinish("answer")


def _another_agent(_self: Any, spec: AgentSpec, text: str) -> Iterator[Any]:
    yield from (AgentMessage("somebody", text), AgentFinish("answer"))


def _strange(_self: Any, spec: AgentSpec, text: str) -> Iterator[Any]:
    yield from ({"type": "done"}, AgentMessage(spec.name, text), AgentFinish("answer"))


def _endless(_self: Any, spec: AgentSpec, text: str) -> Iterator[Any]:
    return repeat(TextDelta(text))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no end": ({"end": _no_finish}, "exactly one AgentFinish, as its last event; with a plain answer"),
    "an event after the end": ({"end": _goes_on}, "exactly one AgentFinish, as its last event; with a plain answer"),
    "for ever": ({"end": _endless}, "a run must end; with a plain answer 2000 events came"),
    "strange events": ({"end": _strange}, "a run is made of the events of an agent; with a plain answer [{'type'"),
    "no message": ({"end": _no_message}, "a run with a plain answer must give the model's answer as an AgentMessage"),
    "another agent": ({"end": _another_agent}, "an AgentMessage must name its agent"),
    "no instructions": (
        {"first": lambda _self, _spec, task: [Message("user", task)]},
        "the model must be given the instructions",
    ),
    "no task": (
        {"first": lambda _self, spec, _task: [Message("system", spec.instructions)]},
        "the model must be given the task",
    ),
    "no tools": ({"tools": lambda *_: ()}, "the model must be given the tools of the spec; expected ['calculate', 'b"),
    "dies of a tool": ({"call": _dies_on_errors}, "a run with a tool that fails must work; it raised ValueError"),
    "parses arguments": ({"call": _parses}, "a run with arguments that are not JSON must work; it raised JSONDecode"),
    "guesses arguments": ({"call": _guesses}, "arguments that are not JSON: the host must be asked for each call"),
    "calls twice": ({"call": _twice}, "one tool call: the host must be asked for each call, unchanged, once"),
    "runs tools itself": (
        {"call": lambda _self, _host, call: ToolResult(call.id, "21")},
        "one tool call: the host must be asked for each call, unchanged, once; expected [('c1', 'calculate'",
    ),
    "another result": (
        {"call": lambda _self, host, call: ToolResult(call.id, host.call_tool(call).text.upper())},
        "one tool call: the ToolResult must be what the host gave",
    ),
    "keeps results to itself": (
        {"tell": lambda *_: Message("user", "go on")},
        "one tool call: the model must be told what the tool gave",
    ),
    "mixes calls up": (
        {"tell": lambda _self, result: Message("tool", result.text, tool_call_id="c1")},
        "two tool calls at once: the model must be told what the tool gave",
    ),
    "no limit": ({"steps": lambda *_: 49}, "`max_steps` must limit the calls of the model; 49 were made, 4 were"),
    "one step": ({"steps": lambda *_: 1}, "one tool call: the model must be asked once more; calls: 1"),
    "stops in silence": (
        {"stopped": lambda _self: AgentFinish("answer")},
        "a run with endless tool calls must finish with the reason 'max_steps'; expected 'max_steps', got 'answer'",
    ),
    "retries": ({"ask": _retries}, "a failed call of the model must not be repeated: the host does that"),
    "swallows errors": ({"ask": _swallows}, "ProviderError of the model must end the run and reach the caller; the"),
    "wraps errors": ({"ask": _wraps}, "CredentialsError of the model must end the run and reach the caller; it came"),
    "another kind of error": ({"ask": _another_kind}, "must end the run and reach the caller; it came as Provider"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_adapters(name: str, broken: Callable[..., Any]) -> None:
    methods, words = WRONG[name]
    found = broken(check_agent_adapter, type("Wrong", (Loop,), methods)())
    assert any(words in sentence for sentence in found), found


class _Collected(Loop):
    """Runs to the end before it gives the first event."""

    def run(self, *given: Any) -> Iterator[Any]:
        yield from list(super().run(*given))


class _List(Loop):
    def run(self, *given: Any) -> Any:
        return list(super().run(*given))


class _Remembers(Loop):
    """Every run adds to the conversation of the one before."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def first(self, spec: AgentSpec, task: str) -> list[Message]:
        self.messages += super().first(spec, task)
        return self.messages


class _Unstoppable(Loop):
    def run(self, *given: Any) -> Iterator[Any]:
        try:
            yield from super().run(*given)
        except GeneratorExit:
            raise RuntimeError("not now") from None


RUNS: dict[str, tuple[Any, str]] = {
    "collects": (_Collected(), "a closed run must not ask the model again; 4 calls were made"),
    "a list": (_List(), "`run` must give an iterator that can be closed; it gave ["),
    "cannot be closed": (_Unstoppable(), "closing a run after its first event must work; it raised RuntimeError"),
}


@pytest.mark.parametrize("name", RUNS)
def test_wrong_runs(name: str, broken: Callable[..., Any]) -> None:
    adapter, words = RUNS[name]
    found = broken(check_agent_adapter, adapter)
    assert any(words in sentence for sentence in found), found


def test_a_run_starts_from_nothing(broken: Callable[..., Any]) -> None:
    found = broken(check_agent_adapter, _Remembers())
    assert any("a run must start from nothing" in sentence for sentence in found), found
