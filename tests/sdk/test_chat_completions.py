"""Messages as the JSON of chat completions, and its chunks as events."""

from __future__ import annotations

from typing import Any

import pytest

from opsvi_cli.sdk import (
    Attachment,
    Finish,
    Message,
    ProviderError,
    ReasoningDelta,
    Server,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
    UsageError,
    chat_events,
    chat_messages,
    chat_tools,
)

SERVER = Server("some", "m", "http://x")


def chunk(finish: str | None = None, /, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call(index: int | None, identity: str | None, **function: Any) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "id": identity, "function": function}]}


def test_messages_of_every_role() -> None:
    picture = Attachment("a.png", "image/png", b"\x89PNG")
    turns = [
        Message("system", "short"),
        Message("user", "what? \ud83d", attachments=(picture,)),
        Message("assistant", "", tool_calls=(ToolCall("c1", "f", "{}"),)),
        Message("tool", "done", tool_call_id="c1"),
    ]
    url = {"url": "data:image/png;base64,iVBORw=="}
    assert chat_messages(turns, SERVER) == [
        {"role": "system", "content": "short"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "what? ?"}, {"type": "image_url", "image_url": url}],
        },
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "done", "tool_call_id": "c1"},
    ]
    with pytest.raises(UsageError, match="some reads no text/csv"):
        chat_messages([Message("user", "x", attachments=(Attachment("a.csv", "text/csv", b""),))], SERVER)


def test_tools() -> None:
    function = {"name": "f", "description": "Does.", "parameters": {"type": "object"}}
    assert chat_tools([ToolSpec("f", "Does.", {"type": "object"})]) == [{"type": "function", "function": function}]


def test_a_stream_and_a_whole_answer() -> None:
    usage = {
        "prompt_tokens": 5,
        "completion_tokens": 4,
        "prompt_tokens_details": {"cached_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    stream = [
        chunk(role="assistant", content=None),
        chunk(reasoning="Hm."),
        chunk(content="a"),
        {"choices": [{"index": 1, "delta": {"content": "another sample"}}]},
        chunk("length", content="b"),
        {"choices": [], "usage": usage},
    ]
    finish = Finish("length", Usage(5, 4, 3, 2))
    assert list(chat_events(stream, SERVER)) == [ReasoningDelta("Hm."), TextDelta("a"), TextDelta("b"), finish]
    whole = {"choices": [{"message": {"content": "ab"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": -1}}
    assert list(chat_events([whole], SERVER)) == [TextDelta("ab"), Finish("stop", Usage())]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("stop", "stop"),
        ("eos_token", "stop"),
        ("content_filter", "filter"),
        ("function_call", "tool_calls"),
        ("model_length", "length"),
    ],
)
def test_how_answers_end(said: str, expected: str) -> None:
    assert list(chat_events([chunk(said)], SERVER)) == [Finish(expected)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (
            [call(0, "a", name="f", arguments='{"x"'), call(0, None, arguments=": 1}"), call(1, "b", name="g")],
            [ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", "{}")],
        ),
        # All numbered 0; no number at all; no id; arguments that are no text.
        ([call(0, "a", name="f"), call(0, "b", name="g")], [ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")]),
        ([call(None, "a", name="f"), call(None, "b", name="g")], [ToolCall("a", "f", "{}"), ToolCall("b", "g", "{}")]),
        ([call(None, "a", name="f", arguments="{"), call(None, None, arguments="}")], [ToolCall("a", "f", "{}")]),
        ([call(0, None, name="f", arguments={"x": 1})], [ToolCall("call_0", "f", '{"x": 1}')]),
    ],
)
def test_tool_calls_in_every_shape(pieces: list[dict[str, Any]], expected: list[ToolCall]) -> None:
    events = list(chat_events([*(chunk(**piece) for piece in pieces), chunk("stop")], SERVER))
    assert events == [Finish("tool_calls", Usage(), tuple(expected))]


@pytest.mark.parametrize(
    ("chunks", "kind"),
    [
        ([], "bad-response"),
        ([{"choices": []}], "bad-response"),
        ([[1]], "bad-response"),
        ([None], "bad-response"),
        ([{"choices": "x"}], "bad-response"),
        ([{"choices": [1]}], "bad-response"),
        ([chunk(content="a")], "network"),
        ([chunk("error", content="a")], "server"),
        ([chunk(7, content="a")], "bad-response"),  # type: ignore[arg-type]
        ([{"error": {"message": "overloaded"}}], "server"),
        ([{"error": {"message": "slow down", "code": 429}}], "rate"),
        ([chunk(content="a"), {"error": "overloaded"}], "server"),
    ],
)
def test_what_is_no_answer(chunks: list[Any], kind: str) -> None:
    with pytest.raises(ProviderError) as caught:
        list(chat_events(chunks, SERVER))
    assert caught.value.kind == kind
    assert caught.value.message.startswith("some/m at http://x: ")
