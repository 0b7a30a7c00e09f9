"""Requests as the API wants them, and what is refused before one is made; and proof that the mock judges."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wire
from conftest import KEY

from opsvi_cli.sdk import Attachment, Message, ModelInfo, ModelRequest, UsageError
from opsvi_cli.testing import check_provider

Ask = Callable[..., Any]
GOOD: dict[str, Any] = {
    "model": wire.MODEL,
    "max_tokens": 10,
    "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
}


def _status(url: str, body: dict[str, Any], headers: dict[str, str]) -> int:
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_mock_judges_requests(serve: Callable[..., Any], spec: Path) -> None:
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01"}
    with serve({"POST /v1/messages": wire.message(wire.text("x"))}, spec) as server:
        url = f"{server.url}/v1/messages"
        assert _status(url, GOOD, headers) == 200
        assert _status(url, {**GOOD, "temperature": 9}, headers) == 422
        assert _status(url, {**GOOD, "messages": [{"role": "robot", "content": "hi"}]}, headers) == 422
        assert _status(url, {**GOOD, "messages": [{"role": "system", "content": "hi"}]}, headers) == 422
        assert _status(url, {**GOOD, "max_token": 10}, headers) == 422
        assert _status(url, {k: v for k, v in GOOD.items() if k != "max_tokens"}, headers) == 422
        assert _status(url, GOOD, {"anthropic-version": "2023-06-01"}) == 401
        assert _status(url, GOOD, {**headers, "x-api-key": "wrong"}) == 401


def test_the_contract_of_providers(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    tools = wire.stream(
        [wire.begin(), *wire.tool_block(0, "toolu_1", "lookup", '{"word": "x"}'), *wire.end("tool_use")]
    )

    def answer(request: Any) -> Any:
        body = request.body
        if "no-such" in body["model"]:
            return wire.SpecAnswer(wire.error("not_found_error", f"model: {body['model']}"), 404)
        said = '{"answer": "hello"}' if "output_config" in body else "Hello."
        if not body["stream"]:
            return wire.message(wire.text(said))
        return tools if "tools" in body else wire.said(*said)

    models = {"data": [{"id": wire.MODEL, "type": "model"}], "has_more": False}
    with serve({"POST /v1/messages": answer, "GET /v1/models": models}) as server:
        check_provider(make(server.url), model=wire.MODEL)


def test_system_text_and_turns(ask: Ask, spec: Path) -> None:
    talk = [
        Message("system", "Be brief."),
        Message("user", "hi"),
        Message("user", "\ud83d there"),
        Message("assistant", "hello"),
        Message("system", "In French."),
        Message("user", ""),
        Message("user", "go on"),
    ]
    _, body = ask(wire.said("x"), *talk, spec=spec, max_tokens=7, temperature=0.5)
    assert body["system"] == "Be brief.\n\nIn French."
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert [part["text"] for part in body["messages"][0]["content"]] == ["hi", "? there"]
    assert (body["max_tokens"], body["temperature"]) == (7, 0.5)


def test_results_of_parallel_calls_are_one_turn(ask: Ask) -> None:
    from opsvi_cli.sdk import ToolCall

    calls = (ToolCall("a", "add", "{}"), ToolCall("b", "add", "not json"), ToolCall("c", "add", "[1]"))
    results = [Message("tool", f"result {id_}", tool_call_id=id_) for id_ in "abc"]
    _, body = ask(wire.said("x"), "go", Message("assistant", "I call.", tool_calls=calls), *results)
    assert len(body["messages"]) == 3
    assert [part["type"] for part in body["messages"][1]["content"]] == ["text", "tool_use", "tool_use", "tool_use"]
    assert [part["input"] for part in body["messages"][1]["content"][1:]] == [{}, {}, {}]
    assert [part["tool_use_id"] for part in body["messages"][2]["content"]] == ["a", "b", "c"]


def test_half_a_surrogate_pair_is_sent_nowhere(ask: Ask) -> None:
    from opsvi_cli.sdk import ToolCall, ToolSpec

    call = ToolCall("a", "add", '{"k\\ud83d": ["\\ud83d"]}')
    talk = [
        Message("user", "go"),
        Message("assistant", "", tool_calls=(call,)),
        Message("tool", "\ud83d", tool_call_id="a"),
    ]
    tool = ToolSpec("add", "\ud83d", {"type": "object"})
    _, body = ask(wire.said("x"), *talk, tools=[tool])
    assert body["messages"][1]["content"][0]["input"] == {"k?": ["?"]}
    assert body["messages"][2]["content"][0]["content"] == body["tools"][0]["description"] == "?"


def test_attachments(ask: Ask, spec: Path) -> None:
    files = (
        Attachment("a.png", "image/png", b"\x89PNG"),
        Attachment("b.pdf", "application/pdf", b"%PDF-1.7"),
        Attachment("c.md", "text/markdown; charset=utf-8", "# Titel \u00fc".encode()),
        Attachment("d.json", "application/json", b'{"a": 1}'),
    )
    _, body = ask(wire.said("x"), Message("user", "What is it?", attachments=files), spec=spec)
    image, pdf, text, data, question = body["messages"][0]["content"]
    assert image["type"] == "image"
    assert image["source"]["media_type"] == "image/png"
    assert base64.b64decode(image["source"]["data"]) == b"\x89PNG"
    assert (pdf["type"], pdf["source"]["media_type"]) == ("document", "application/pdf")
    assert text["source"] == {"type": "text", "media_type": "text/plain", "data": "# Titel \u00fc"}
    assert (text["title"], data["title"]) == ("c.md", "d.json")
    assert question["text"] == "What is it?"


@pytest.mark.parametrize("media_type", ["image/tiff", "audio/wav", "application/zip", "text/plain"])
def test_other_files_are_refused_before_a_request(ask: Ask, media_type: str) -> None:
    with pytest.raises(UsageError, match="anthropic reads no"):
        ask(wire.said("x"), Message("user", "x", attachments=(Attachment("f", media_type, b""),)))


def test_options_of_the_request_go_as_they_are(ask: Ask) -> None:
    assert ask(wire.said("x"), options={"top_k": 3})[1]["top_k"] == 3


@pytest.mark.parametrize(
    ("settings", "thinking", "most"),
    [
        ({}, None, 8192),
        ({"max_tokens": 100}, None, 100),
        ({"thinking": "adaptive"}, {"type": "adaptive", "display": "summarized"}, 8192),
        ({"thinking": "off"}, {"type": "disabled"}, 8192),
        ({"thinking": False}, {"type": "disabled"}, 8192),
        ({"thinking": "1024"}, {"type": "enabled", "budget_tokens": 1024}, 9216),
    ],
)
def test_settings(ask: Ask, settings: dict[str, Any], thinking: Any, most: int) -> None:
    _, body = ask(wire.said("x"), settings=settings)
    assert body.get("thinking") == thinking
    assert body["max_tokens"] == most


@pytest.mark.parametrize(
    "settings",
    [{"thinking": 100}, {"thinking": "much"}, {"thinking": True}, {"max_tokens": 0}, {"effort": "huge"}],
)
def test_wrong_settings_name_the_setting(ask: Ask, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"providers\.anthropic\.") as caught:
        ask(wire.said("x"), settings=settings)
    assert "opsvi config set providers.anthropic." in caught.value.hint


def test_what_thinking_excludes_is_said_before_a_request(ask: Ask) -> None:
    with pytest.raises(UsageError, match="leave no room"):
        ask(wire.said("x"), settings={"thinking": 2048}, max_tokens=2048)
    with pytest.raises(UsageError, match="exclude each other"):
        ask(wire.said("x"), settings={"thinking": 2048}, temperature=0.2)


def test_nothing_to_send(ask: Ask, make: Callable[..., Any]) -> None:
    with pytest.raises(UsageError, match="nothing to send"):
        ask(wire.said("x"), Message("system", "x"), Message("user", " "))
    with pytest.raises(UsageError, match="no model is named"):
        list(make("http://127.0.0.1:9").stream(ModelRequest("", [Message("user", "x")])))


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_the_base_url_with_and_without_v1(make: Callable[..., Any], serve: Callable[..., Any], suffix: str) -> None:
    with serve({"POST /v1/messages": wire.said("x")}) as server:
        list(make(server.url + suffix).stream(ModelRequest(wire.MODEL, [Message("user", "x")])))
        assert server.requests[0].path == "/v1/messages"


def test_a_server_of_ones_own_gets_no_key(
    make: Callable[..., Any], serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "not-opsvis-business")
    document = json.loads((Path(__file__).parent / "spec.json").read_text())
    document.pop("security")
    with wire.SpecServer(document, {"POST /v1/messages": wire.said("x")}) as server:
        list(make(server.url, key="").stream(ModelRequest(wire.MODEL, [Message("user", "x")])))
        assert not {"authorization", "x-api-key"} & set(server.requests[0].headers)


def test_counting_tokens(make: Callable[..., Any], serve: Callable[..., Any], spec: Path) -> None:
    with serve({"POST /v1/messages/count_tokens": {"input_tokens": 14}}, spec) as server:
        request = ModelRequest(wire.MODEL, [Message("system", "s"), Message("user", "hi")], temperature=0.1)
        assert make(server.url, thinking=2048).count_tokens(request) == 14
        assert set(server.requests[0].body) == {"model", "messages", "system", "thinking"}


def test_models(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    stated = {"image_input": {"supported": False}, "pdf_input": {"supported": True}, "thinking": "strange"}
    first = {
        "data": [{"id": "b", "type": "model", "max_input_tokens": 200000, "capabilities": stated}],
        "has_more": True,
        "last_id": "b",
    }
    second = {"data": [{"id": "a", "type": "model", "max_input_tokens": 0}], "has_more": True, "last_id": "b"}
    with serve({"GET /v1/models": [first, second, second]}) as server:  # the last page says again that there is more
        provider = make(server.url)
        able = provider.capabilities("a")
        assert provider.models() == [
            ModelInfo("a", "anthropic", able),
            ModelInfo("b", "anthropic", able - {"images"}, 200000),
        ]
        assert [request.query.get("after_id") for request in server.requests] == [None, ["b"], ["b"]]


def test_models_end(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    pages = iter(range(1000))

    def page(_: Any) -> dict[str, Any]:
        id_ = f"m{next(pages)}"
        return {"data": [{"id": id_, "type": "model"}], "has_more": True, "last_id": id_}

    with serve({"GET /v1/models": page}) as server:
        assert len(make(server.url).models()) == len(server.requests) == 20
