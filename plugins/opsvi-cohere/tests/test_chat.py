"""Chat: requests as the API wants them, answers as events of opsvi; and proof that the mock judges."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wire
from conftest import KEY
from wire import begin, calling, content, end, plan, stream

from opsvi_cli.sdk import (
    Attachment,
    Finish,
    Message,
    ModelInfo,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
    UsageError,
)
from opsvi_cli.testing import check_provider

TOOL = ToolSpec("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
COUNTED = Usage(71, 5, 16)
GOOD: dict[str, Any] = {"model": wire.MODEL, "messages": [{"role": "user", "content": "hi"}]}
Ask = Callable[..., Any]


def _status(url: str, body: dict[str, Any], key: str) -> int:
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {key}"} if key else {})}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=10
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_mock_judges_requests(serve: Callable[..., Any], spec: Path) -> None:
    with serve({"POST /v2/chat": wire.message(wire.text("x"))}, spec) as server:
        url = f"{server.url}/v2/chat"
        assert _status(url, GOOD, KEY) == 200
        assert _status(url, {**GOOD, "temperature": 9}, KEY) == 422
        assert _status(url, {**GOOD, "messages": [{"role": "robot", "content": "hi"}]}, KEY) == 422
        assert _status(url, {**GOOD, "max_token": 10}, KEY) == 422
        assert _status(url, {"model": wire.MODEL}, KEY) == 422
        assert _status(url, GOOD, "") == 401
        assert _status(url, GOOD, "wrong") == 401


def test_the_contract_of_providers(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    tools = stream([begin(), *calling(0, "add_1", "lookup", '{"word": "x"}'), *end("TOOL_CALL")])

    def answer(request: Any) -> Any:
        body = request.body
        if "no-such" in body["model"]:
            return wire.SpecAnswer({"message": "model not found"}, 404)
        said = '{"answer": "hello"}' if "response_format" in body else "Hello."
        if not body["stream"]:
            return wire.message(wire.text(said))
        return tools if "tools" in body else wire.said(*said)

    models = {"models": [{"name": wire.MODEL}]}
    with serve({"POST /v2/chat": answer, "GET /v1/models": models}) as server:
        check_provider(make(server.url), model=wire.MODEL)


def test_a_stream(ask: Ask, spec: Path) -> None:
    events, body = ask(wire.said("Hel", "lo \u26c5"), spec=spec)
    assert events == [TextDelta("Hel"), TextDelta("lo \u26c5"), Finish("stop", COUNTED)]
    assert body == {**GOOD, "stream": True}


def test_an_answer_in_one_piece(ask: Ask, spec: Path) -> None:
    events, body = ask(wire.message(wire.text("Hello")), spec=spec, stream=False)
    assert events == [TextDelta("Hello"), Finish("stop", COUNTED)]
    assert body["stream"] is False


def test_a_server_that_does_not_stream_is_read_all_the_same(ask: Ask) -> None:
    assert ask(wire.message(wire.text("Hello")))[0][0] == TextDelta("Hello")


def test_thinking_is_kept_apart(ask: Ask, spec: Path) -> None:
    streamed = stream([begin(), *content(0, "thinking", "Let me ", "see."), *content(1, "text", "42"), *end()])
    events, body = ask(streamed, spec=spec, settings={"thinking": 500})
    assert events[:3] == [ReasoningDelta("Let me "), ReasoningDelta("see."), TextDelta("42")]
    assert body["thinking"] == {"type": "enabled", "token_budget": 500}
    events, _ = ask(wire.message(wire.thinking("Let me see."), wire.text("42")), spec=spec, stream=False)
    assert events[:2] == [ReasoningDelta("Let me see."), TextDelta("42")]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("on", {"type": "enabled"}),
        ("off", {"type": "disabled"}),
        (False, {"type": "disabled"}),
        ("2048", {"type": "enabled", "token_budget": 2048}),
        (None, None),
    ],
)
def test_the_setting_of_thinking(ask: Ask, value: Any, sent: Any) -> None:
    assert ask(wire.said("x"), settings={"thinking": value})[1].get("thinking") == sent


def test_a_wrong_setting_is_named(ask: Ask) -> None:
    with pytest.raises(UsageError, match=r"providers\.cohere\.thinking"):
        ask(wire.said("x"), settings={"thinking": "much"})


def test_parallel_tool_calls(ask: Ask, spec: Path) -> None:
    events_of = [
        begin(),
        *plan("I will ", "add."),
        *calling(0, "add_1", "add", '{"a": ', "1}"),
        *calling(1, "add_2", "add"),
        *end("TOOL_CALL"),
    ]
    calls = (ToolCall("add_1", "add", '{"a": 1}'), ToolCall("add_2", "add", "{}"))
    events, body = ask(stream(events_of), spec=spec, tools=[TOOL])
    assert events == [ReasoningDelta("I will "), ReasoningDelta("add."), Finish("tool_calls", COUNTED, calls)]
    function = {"name": "add", "description": "Adds.", "parameters": dict(TOOL.parameters)}
    assert body["tools"] == [{"type": "function", "function": function}]
    made = [wire.call("add_1", "add", '{"a": 1}'), wire.call("add_2", "add", "{}")]
    whole = wire.message(finish="TOOL_CALL", tool_calls=made, tool_plan="I will add.")
    events, _ = ask(whole, spec=spec, tools=[TOOL], stream=False)
    assert events == [ReasoningDelta("I will add."), Finish("tool_calls", COUNTED, calls)]


def test_results_of_tools_go_back(ask: Ask, spec: Path) -> None:
    calls = (ToolCall("a", "add", "{}"), ToolCall("b", "add", '{"a": 2}'))
    turn = [
        Message("system", "Be brief."),
        Message("user", "\ud83d go"),
        Message("assistant", "", tool_calls=calls),
        Message("tool", "1", tool_call_id="a"),
        Message("tool", "", tool_call_id="b"),
        Message("assistant", ""),
        Message("user", "and now?"),
    ]
    _, body = ask(wire.said("x"), *turn, spec=spec, tools=[TOOL])
    assert [one["role"] for one in body["messages"]] == ["system", "user", "assistant", "tool", "tool", "user"]
    assert body["messages"][1]["content"] == "? go"
    assert [one["id"] for one in body["messages"][2]["tool_calls"]] == ["a", "b"]
    assert body["messages"][3] == {"role": "tool", "tool_call_id": "a", "content": "1"}


def test_half_a_surrogate_pair_is_sent_nowhere(ask: Ask) -> None:
    call = ToolCall("a", "add", '{"k": "\ud83d"}')
    talk = [
        Message("user", "go"),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "\ud83d", tool_call_id="a"),
    ]
    _, body = ask(wire.said("x"), *talk, tools=[ToolSpec("add", "\ud83d", {"type": "object"})])
    assert body["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"k": "?"}'
    assert body["messages"][2]["content"] == body["tools"][0]["function"]["description"] == "?"


def test_structured_output(ask: Ask, spec: Path) -> None:
    events, body = ask(wire.said('{"n": 1}'), spec=spec, schema=SCHEMA, temperature=0.5, max_tokens=7)
    assert events[0] == TextDelta('{"n": 1}')
    assert body["response_format"] == {"type": "json_object", "json_schema": SCHEMA}
    assert (body["temperature"], body["max_tokens"]) == (0.5, 7)
    with pytest.raises(UsageError, match="exclude each other"):
        ask(wire.said("x"), schema=SCHEMA, tools=[TOOL])


def test_images(ask: Ask, make: Callable[..., Any], spec: Path) -> None:
    seen = Message("user", "What is it?", attachments=(Attachment("a.png", "image/png", b"\x89PNG"),))
    _, body = ask(wire.said("x"), seen, spec=spec)
    assert body["messages"][0]["content"] == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
    ]
    with pytest.raises(UsageError, match="reads no application/pdf"):
        ask(wire.said("x"), Message("user", "x", attachments=(Attachment("b.pdf", "application/pdf", b"%PDF"),)))
    assert "images" in make("http://127.0.0.1:9").capabilities("command-a-vision-07-2025")
    assert "images" not in make("http://127.0.0.1:9").capabilities(wire.MODEL)
    assert "images" in make("http://127.0.0.1:9", images=True).capabilities(wire.MODEL)


def test_options_of_the_request_go_as_they_are(ask: Ask) -> None:
    assert ask(wire.said("x"), options={"k": 3})[1]["k"] == 3


def test_nothing_to_send(ask: Ask, make: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="nothing to send"):
        ask(wire.said("x"), Message("user", " "))
    with pytest.raises(UsageError, match="no model is named"):
        list(make("http://127.0.0.1:9").stream(ModelRequest("", [Message("user", "x")])))


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("COMPLETE", "stop"), ("STOP_SEQUENCE", "stop"), ("MAX_TOKENS", "length"), ("TOOL_CALL", "tool_calls")],
)
def test_how_an_answer_ended(ask: Ask, reason: str, finish: str) -> None:
    for answer in (
        wire.message(wire.text("x"), finish=reason),
        stream([begin(), *content(0, "text", "x"), *end(reason)]),
    ):
        assert ask(answer)[0][-1].reason == finish


def test_usage_falls_back_to_what_is_billed(ask: Ask) -> None:
    answer = {**wire.message(wire.text("x")), "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 2}}}
    assert ask(answer)[0][-1].usage == Usage(3, 2)
    del answer["usage"]
    assert ask(answer)[0][-1].usage == Usage()


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v2/"])
def test_the_base_url_with_and_without_a_version(
    make: Callable[..., Any], serve: Callable[..., Any], suffix: str
) -> None:
    with serve({"POST /v2/chat": wire.said("x")}) as server:
        list(make(server.url + suffix).stream(ModelRequest(wire.MODEL, [Message("user", "x")])))
        assert server.requests[0].path == "/v2/chat"


def test_a_server_of_ones_own_gets_no_key(make: Callable[..., Any]) -> None:
    document = json.loads((Path(__file__).parent / "spec.json").read_text())
    document.pop("security")
    with wire.SpecServer(document, {"POST /v2/chat": wire.said("x")}) as server:
        list(make(server.url, key="").stream(ModelRequest(wire.MODEL, [Message("user", "x")])))
        assert "authorization" not in server.requests[0].headers


def test_models(make: Callable[..., Any], serve: Callable[..., Any], spec: Path) -> None:
    first = {"models": [{"name": "b", "context_length": 256000.0, "features": ["vision"]}], "next_page_token": "t"}
    second = {"models": [{"name": "a"}, {}], "next_page_token": "t"}
    with serve({"GET /v1/models": [first, second, second]}, spec) as server:  # the last page says that there is more
        provider = make(server.url)
        able = provider.capabilities("a")
        assert provider.models() == [
            ModelInfo("a", "cohere", able),
            ModelInfo("b", "cohere", able | {"images"}, 256000),
        ]
        assert server.requests[0].query["endpoint"] == ["chat"]
        assert [request.query.get("page_token") for request in server.requests] == [None, ["t"], ["t"]]
