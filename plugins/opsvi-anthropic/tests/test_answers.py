"""Answers, in one piece and streamed, as events of opsvi."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wire
from wire import begin, end, event, stream, text_block, thinking_block, tool_block

from opsvi_cli.sdk import Finish, Message, ModelRequest, ReasoningDelta, TextDelta, ToolCall, ToolSpec, Usage

TOOL = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})
Ask = Callable[..., Any]


def test_a_stream(ask: Ask, spec: Path) -> None:
    events, body = ask(wire.said("Hel", "lo \u26c5"), spec=spec)
    assert events == [TextDelta("Hel"), TextDelta("lo \u26c5"), Finish("stop", Usage(16, 7, 4, 3))]
    assert body["stream"] is True


def test_an_answer_in_one_piece(ask: Ask, spec: Path) -> None:
    events, body = ask(wire.message(wire.text("Hello")), spec=spec, stream=False)
    assert events == [TextDelta("Hello"), Finish("stop", Usage(16, 5, 4))]
    assert body["stream"] is False


def test_a_server_that_does_not_stream_is_read_all_the_same(ask: Ask) -> None:
    events, _ = ask(wire.message(wire.text("Hello")))
    assert events[0] == TextDelta("Hello")


def test_thinking_is_kept_apart(ask: Ask, spec: Path) -> None:
    settings = {"thinking": 2048}
    streamed = stream([begin(), *thinking_block(0, "Let me ", "see."), *text_block(1, "42"), *end()])
    events, body = ask(streamed, spec=spec, settings=settings)
    assert events[:3] == [ReasoningDelta("Let me "), ReasoningDelta("see."), TextDelta("42")]
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert body["max_tokens"] == 2048 + 8192
    whole = wire.message(wire.thinking("Let me see."), wire.text("42"))
    events, _ = ask(whole, spec=spec, settings=settings, stream=False)
    assert events[:2] == [ReasoningDelta("Let me see."), TextDelta("42")]


def test_parallel_tool_calls(ask: Ask, spec: Path) -> None:
    streamed = stream(
        [
            begin(),
            *text_block(0, "I will add."),
            *tool_block(1, "toolu_1", "add", '{"a": ', "1}"),
            *tool_block(2, "toolu_2", "add"),
            *end("tool_use"),
        ]
    )
    calls = (ToolCall("toolu_1", "add", '{"a": 1}'), ToolCall("toolu_2", "add", "{}"))
    events, body = ask(streamed, spec=spec, tools=[TOOL])
    assert events == [TextDelta("I will add."), Finish("tool_calls", Usage(16, 7, 4, 3), calls)]
    assert body["tools"] == [{"name": "add", "description": "Adds.", "input_schema": dict(TOOL.parameters)}]
    whole = wire.message(
        wire.tool_use("toolu_1", "add", {"a": 1}), wire.tool_use("toolu_2", "add", {}), stop="tool_use"
    )
    events, _ = ask(whole, spec=spec, tools=[TOOL], stream=False)
    assert events[-1].tool_calls == calls


@pytest.mark.parametrize("settings", [{"thinking": 2048}, {}])
def test_thinking_goes_back_with_the_result_of_a_tool(
    make: Callable[..., Any], serve: Callable[..., Any], settings: dict[str, Any]
) -> None:
    streamed = stream(
        [
            begin(),
            *thinking_block(0, "I must add.", signature="signed"),
            *tool_block(1, "toolu_1", "add", '{"a": 1}'),
            *end("tool_use"),
        ]
    )
    question = Message("user", "1 + 1?")
    with serve({"POST /v1/messages": [streamed, wire.said("2")]}) as server:
        provider = make(server.url, **settings)
        *_, finish = provider.stream(ModelRequest(wire.MODEL, [question], tools=[TOOL]))
        turn = [
            question,
            Message("assistant", "", tool_calls=finish.tool_calls),
            Message("tool", "2", tool_call_id="toolu_1"),
        ]
        list(provider.stream(ModelRequest(wire.MODEL, turn, tools=[TOOL])))
        second = server.requests[-1].body
    assert second["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "I must add.", "signature": "signed"},
        {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}},
    ]
    assert second["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "2"}]
    assert ("thinking" in second) is bool(settings)


def test_a_turn_whose_thinking_is_not_known_goes_on_without(ask: Ask) -> None:
    turn = [
        Message("user", "1 + 1?"),
        Message("assistant", "", tool_calls=(ToolCall("call.1", "add", '{"a": 1}'),)),
        Message("tool", "", tool_call_id="call.1"),
    ]
    _, body = ask(wire.said("2"), *turn, settings={"thinking": 2048}, tools=[TOOL])
    assert "thinking" not in body
    assert body["messages"][1]["content"][0]["id"] == "call_1"
    assert body["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "call_1"}]
    _, body = ask(wire.said("2"), *turn, Message("user", "and 2?"), settings={"thinking": 2048}, tools=[TOOL])
    assert body["thinking"]["budget_tokens"] == 2048


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("something_new", "stop"),
    ],
)
def test_how_an_answer_ended(ask: Ask, stop: str, reason: str) -> None:
    for answer in (wire.message(wire.text("x"), stop=stop), stream([begin(), *text_block(0, "x"), *end(stop)])):
        events, _ = ask(answer)
        assert events[-1].reason == reason


def test_the_reason_of_a_refusal_is_said_when_the_model_says_nothing(ask: Ask) -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "This may do harm."}
    events, _ = ask(stream([begin(), *end("refusal", stop_details=details)]))
    assert events[0] == TextDelta("This may do harm.")
    events, _ = ask(stream([begin(), *text_block(0, "No."), *end("refusal", stop_details=details)]))
    assert events[0] == TextDelta("No.")
    assert len(events) == 2


def test_usage_is_none_where_the_server_counts_nothing(ask: Ask) -> None:
    events, _ = ask(
        stream(
            [
                event("message_start", message={}),
                *text_block(0, "x"),
                event("message_delta", delta={"stop_reason": "end_turn"}),
            ]
        )
    )
    assert events[-1].usage == Usage()


def test_new_kinds_of_blocks_and_events_are_passed_over(ask: Ask) -> None:
    strange = [
        event("content_block_start", index=0, content_block={"type": "server_tool_use", "id": "x"}),
        event("content_block_delta", index=0, delta={"type": "some_delta"}),
        event("something_else"),
    ]
    events, _ = ask(stream([begin(), *strange, *text_block(1, "x"), *end()]))
    assert events[0] == TextDelta("x")


def test_structured_output(ask: Ask, spec: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 1}, "tags": {"type": "array", "items": {"type": "string"}}},
        "required": ["n"],
    }
    before = json.dumps(schema)
    events, body = ask(wire.said('{"n": 1}'), spec=spec, schema=schema, settings={"effort": "low"})
    assert events[0] == TextDelta('{"n": 1}')
    assert body["output_config"]["effort"] == "low"
    sent = body["output_config"]["format"]
    assert sent["type"] == "json_schema"
    assert sent["schema"]["additionalProperties"] is False
    assert "minimum" in sent["schema"]["properties"]["n"]["description"]
    assert json.dumps(schema) == before
    odd = {"type": ["object", "null"]}
    assert ask(wire.said("null"), spec=spec, schema=odd)[1]["output_config"]["format"]["schema"] == odd
