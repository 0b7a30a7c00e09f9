"""The contract of `sdk.AgentAdapter`, tried against a host whose model and tools follow a script."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from opsvi_cli.sdk import (
    AgentAdapter,
    AgentFinish,
    AgentMessage,
    AgentSpec,
    CredentialsError,
    Finish,
    ModelRequest,
    ProviderError,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
)

from .contract import Contract, describe, show

MOST_EVENTS = 2000
MAX_STEPS = 4
_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"expression": {"type": "string"}},
    "required": ["expression"],
}
TOOLS = (
    ToolSpec("calculate", "Works out an expression.", _PARAMETERS),
    ToolSpec("broken", "Always fails.", _PARAMETERS),
)
SPEC = AgentSpec("contract", "You answer in one sentence.", "contract/model", TOOLS, max_steps=MAX_STEPS)
TASK = "What is seventeen plus four?"
ANSWER = "It is twenty-one."

Turn: TypeAlias = "str | tuple[ToolCall, ...] | Exception"
"""What the model does at one call: it answers, calls tools, or its server fails."""


@dataclass
class ScriptedHost:
    """An `AgentHost` whose model makes the next turn of `script` at each call, the last one again and again.

    `requests` and `calls` remember what the adapter asked for. The tool `calculate` gives 21, `broken` fails, others
    are not there; arguments that are not a JSON object with `expression` are an error, as opsvi's own host has it.
    """

    script: Sequence[Turn]
    requests: list[ModelRequest] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)

    def ask_model(self, request: ModelRequest) -> Iterator[StreamEvent]:
        turn = self.script[min(len(self.requests), len(self.script) - 1)]
        self.requests.append(request)
        if isinstance(turn, Exception):
            yield TextDelta("It ")
            raise turn
        if isinstance(turn, str):
            for word in turn.split(" "):
                yield TextDelta(f"{word} ")
            yield Finish("stop", Usage(10, 5))
            return
        yield Finish("tool_calls", Usage(10, 5), turn)

    def call_tool(self, call: ToolCall) -> ToolResult:
        self.calls.append(call)
        try:
            arguments = json.loads(call.arguments)
        except ValueError:
            return ToolResult(call.id, "ERROR: the arguments are not JSON", is_error=True)
        if not isinstance(arguments, dict) or "expression" not in arguments:
            return ToolResult(call.id, "ERROR: 'expression' is missing", is_error=True)
        if call.name == "calculate":
            return ToolResult(call.id, "result-21")
        if call.name == "broken":
            return ToolResult(call.id, "ERROR: the tool is broken", is_error=True)
        return ToolResult(call.id, f"ERROR: there is no tool {call.name!r}", is_error=True)


def _call(id_: str, name: str = "calculate", arguments: str = '{"expression": "17 + 4"}') -> ToolCall:
    return ToolCall(id_, name, arguments)


def check_agent_adapter(adapter: AgentAdapter) -> None:
    """Hold an adapter to its contract: events, tools and models through the host, limits, errors, cancelling.

    Makes about ten runs of one to four steps; no model is asked. Raises ContractError.
    """
    with Contract(adapter) as contract:
        _plain(contract, adapter)
        _tools(contract, adapter, "one tool call", (_call("c1"),))
        _tools(contract, adapter, "two tool calls at once", (_call("c1"), _call("c2", arguments='{"expression": "2"}')))
        _tools(contract, adapter, "a tool that fails", (_call("c1", "broken"),))
        _tools(contract, adapter, "a tool that is not there", (_call("c1", "unknown"),))
        _tools(contract, adapter, "arguments that are not JSON", (_call("c1", arguments='{"expression": '),))
        _tools(contract, adapter, "arguments that do not fit", (_call("c1", arguments="{}"),))
        _endless(contract, adapter)
        for error in (
            ProviderError("the server is broken", kind="server", hint="try again"),
            CredentialsError("the key was refused", hint="opsvi secrets set X"),
        ):
            _fails(contract, adapter, error)
        _cancelled(contract, adapter)


def _run(contract: Contract, adapter: AgentAdapter, host: ScriptedHost, what: str) -> list[Any]:
    """The events of a run that has to end well, as far as they came."""
    events: list[Any] = []
    with contract.attempt(f"a run with {what}"):
        for event in itertools.islice(adapter.run(SPEC, TASK, host), MOST_EVENTS):
            events.append(event)
        contract.expect(len(events) < MOST_EVENTS, "a run must end", f"with {what} {MOST_EVENTS} events came")
        ends = [place for place, event in enumerate(events) if isinstance(event, AgentFinish)]
        contract.expect(
            ends == [len(events) - 1],
            "a run must have exactly one AgentFinish, as its last event",
            f"with {what} the events end with {show(events[-2:])}",
        )
    known = (TextDelta, ReasoningDelta, ToolCall, ToolResult, AgentMessage, Usage, AgentFinish)
    strange = [event for event in events if not isinstance(event, known)]
    contract.expect(not strange, "a run is made of the events of an agent", f"with {what} {show(strange)} came")
    return events


def _reason(events: Sequence[Any]) -> str:
    return next((event.reason for event in events if isinstance(event, AgentFinish)), "none")


def _answered(contract: Contract, events: Sequence[Any], what: str) -> None:
    contract.equal(_reason(events), "answer", f"a run with {what} must finish with the reason 'answer'")
    said = [event for event in events if isinstance(event, AgentMessage)]
    contract.expect(
        bool(said) and said[-1].text.strip() == ANSWER,
        f"a run with {what} must give the model's answer as an AgentMessage",
        f"it gave {show(said)}",
    )
    contract.expect(
        all(message.agent == SPEC.name for message in said),
        "an AgentMessage must name its agent",
        f"with {what} it gave {show(said)}",
    )


def _plain(contract: Contract, adapter: AgentAdapter) -> None:
    what = "a plain answer"
    for _ in range(2):
        host = ScriptedHost([ANSWER])
        events = _run(contract, adapter, host, what)
        _answered(contract, events, what)
        if not contract.expect(
            len(host.requests) == 1, "a plain answer needs one call of the model", f"it made {len(host.requests)}"
        ):
            continue
        words = [message.text for message in host.requests[0].messages]
        contract.expect(
            sum(TASK in text for text in words) <= 1,
            "a run must start from nothing, whatever was run before",
            f"the model was given {show(words)}",
        )
        contract.expect(
            any(TASK in text for text in words), "the model must be given the task", f"it was given {show(words)}"
        )
        contract.expect(
            any(SPEC.instructions in text for text in words),
            "the model must be given the instructions",
            f"it was given {show(words)}",
        )
        names = [tool.name for tool in host.requests[0].tools]
        contract.equal(names, [tool.name for tool in TOOLS], "the model must be given the tools of the spec")
        contract.equal(host.calls, [], "no tool may be called that the model did not call")


def _tools(contract: Contract, adapter: AgentAdapter, what: str, calls: tuple[ToolCall, ...]) -> None:
    host = ScriptedHost([calls, ANSWER])
    events = _run(contract, adapter, host, what)
    _answered(contract, events, what)
    asked = [(call.id, call.name, call.arguments) for call in host.calls]
    expected = [(call.id, call.name, call.arguments) for call in calls]
    contract.equal(sorted(asked), sorted(expected), f"{what}: the host must be asked for each call, unchanged, once")
    results = {event.call_id: event for event in events if isinstance(event, ToolResult)}
    for call in calls:
        places = [place for place, event in enumerate(events) if isinstance(event, ToolCall) and event.id == call.id]
        result = results.get(call.id)
        contract.expect(
            len(places) == 1 and result is not None and events.index(result) > places[0],
            f"{what}: each call must give a ToolCall and then its ToolResult",
            f"the events are {show([event for event in events if isinstance(event, (ToolCall, ToolResult))])}",
        )
        wanted = ScriptedHost([ANSWER]).call_tool(call)
        contract.equal(result, wanted, f"{what}: the ToolResult must be what the host gave")
        if contract.expect(
            len(host.requests) == 2, f"{what}: the model must be asked once more", f"calls: {len(host.requests)}"
        ):
            told = [message for message in host.requests[1].messages if message.role == "tool"]
            contract.expect(
                any(message.tool_call_id == call.id and wanted.text in message.text for message in told),
                f"{what}: the model must be told what the tool gave",
                f"it was told {show(told)}",
            )


def _endless(contract: Contract, adapter: AgentAdapter) -> None:
    what = "endless tool calls"
    host = ScriptedHost([(_call(f"c{n}"),) for n in range(1, 50)])
    events = _run(contract, adapter, host, what)
    contract.equal(_reason(events), "max_steps", f"a run with {what} must finish with the reason 'max_steps'")
    contract.expect(
        len(host.requests) <= MAX_STEPS,
        "`max_steps` must limit the calls of the model",
        f"{len(host.requests)} were made, {MAX_STEPS} were allowed",
    )


def _fails(contract: Contract, adapter: AgentAdapter, error: ProviderError | CredentialsError) -> None:
    name = type(error).__name__
    for script in ([error], [(_call("c1"),), error]):
        promise = f"{name} of the model must end the run and reach the caller"
        host = ScriptedHost(script)
        try:
            events = list(itertools.islice(adapter.run(SPEC, TASK, host), MOST_EVENTS))
        except type(error) as raised:
            same = getattr(raised, "kind", "") == getattr(error, "kind", "")
            contract.expect(same, promise, f"it came as {describe(raised)}")
        except (Exception, SystemExit) as raised:  # noqa: BLE001
            contract.expect(False, promise, f"it came as {describe(raised)}")
        else:
            contract.expect(False, promise, f"the run ended with {show(events[-2:])}")
        contract.expect(
            len(host.requests) == len(script),
            "a failed call of the model must not be repeated: the host does that",
            f"{len(host.requests)} calls were made",
        )


def _cancelled(contract: Contract, adapter: AgentAdapter) -> None:
    host = ScriptedHost([(_call(f"c{n}"),) for n in range(1, 50)])
    events = contract.closable("run", lambda: adapter.run(SPEC, TASK, host))
    if events is None:
        return
    with contract.attempt("closing a run after its first event"):
        next(events)
        events.close()
        rest = list(itertools.islice(events, 10))
        contract.expect(not rest, "a closed run must give nothing more", f"it gave {show(rest)}")
        contract.expect(
            len(host.requests) <= 1,
            "a closed run must not ask the model again",
            f"{len(host.requests)} calls were made",
        )
