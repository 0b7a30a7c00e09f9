"""What the plugin sends, judged by descriptions of the API: this folder's, and the vendor's where it is at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from conftest import KEY
from gemini_document import camel
from opsvi_google.provider import Google

from opsvi_cli.sdk import Attachment, Finish, Message, ModelRequest, TextDelta, ToolCall, ToolSpec, Usage, UsageError
from opsvi_cli.testing import SpecAnswer, SpecServer, check_provider

MODEL = "gemini-2.0-flash"
GENERATE = "POST /v1beta/models/{model}:generateContent"
STREAM = "POST /v1beta/models/{model}:streamGenerateContent"
COUNT = "POST /v1beta/models/{model}:countTokens"
MODELS = "GET /v1beta/models"
SCHEMA = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
TOOL = ToolSpec("mcp.web.look-up", "Looks a word up.", {"type": "object", "properties": {"word": {"type": "string"}}})
USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}


def answer(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> dict[str, Any]:
    end = {} if finish is None else {"finishReason": finish}
    return {"candidates": [{"index": 0, "content": {"role": "model", "parts": list(parts)}, **end}], **more}


def chunks(*events: Any) -> SpecAnswer:
    return SpecAnswer.sse(list(events), done="")


HELLO = answer({"text": "hello"}, usageMetadata=USAGE)


@pytest.fixture
def google(services: Callable[..., Any]) -> Callable[..., Google]:
    return lambda server, **options: Google(services(server, **options))


def ask(*messages: Message, **more: Any) -> ModelRequest:
    return ModelRequest(MODEL, messages or [Message("user", "Say hello")], **more)


def test_a_whole_answer_and_a_stream(serve_each: Callable[..., SpecServer], google: Callable[..., Google]) -> None:
    server = serve_each({GENERATE: HELLO, STREAM: chunks(answer({"text": "hel"}, finish=None), HELLO)})
    provider = google(server)
    whole = list(provider.stream(ask(Message("system", "Be short"), Message("user", "Hi"), stream=False)))
    assert whole == [TextDelta("hello"), Finish("stop", Usage(5, 2))]
    streamed = list(provider.stream(ask(temperature=0.5, max_tokens=9)))
    assert streamed == [TextDelta("hel"), TextDelta("hello"), Finish("stop", Usage(5, 2))]
    first, second = server.requests
    assert first.path_params == second.path_params == {"model": MODEL}
    assert first.headers["x-goog-api-key"] == KEY
    assert first.body["systemInstruction"]["parts"] == [{"text": "Be short"}]
    assert first.body["contents"] == [{"role": "user", "parts": [{"text": "Hi"}]}]
    assert second.body["generationConfig"] == {"temperature": 0.5, "maxOutputTokens": 9}


def test_a_schema_and_a_tool(serve_each: Callable[..., SpecServer], google: Callable[..., Google]) -> None:
    server = serve_each({GENERATE: HELLO})
    provider = google(server)
    list(provider.stream(ask(schema=SCHEMA, stream=False)))
    list(provider.stream(ask(tools=[TOOL], stream=False)))
    config = camel(server.requests[0].body["generationConfig"])
    assert config == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    (declared,) = camel(server.requests[1].body["tools"][0]["functionDeclarations"])
    assert declared == {"name": TOOL.name, "description": TOOL.description, "parametersJsonSchema": TOOL.parameters}


def test_files_go_inside_the_request(serve_each: Callable[..., SpecServer], google: Callable[..., Google]) -> None:
    server = serve_each({GENERATE: HELLO})
    files = (Attachment("a.png", "image/png", b"\x89PNG\xff"), Attachment("b.pdf", "application/pdf", b"%PDF"))
    list(google(server).stream(ask(Message("user", "What is this?", attachments=files), stream=False)))
    parts = camel(server.requests[0].body["contents"][0]["parts"])
    assert [part.get("inlineData", {}).get("mimeType") for part in parts] == [None, "image/png", "application/pdf"]
    # The API reads both alphabets of base64.
    assert parts[1]["inlineData"]["data"].replace("_", "/").replace("-", "+") == "iVBOR/8="


def test_parallel_calls_and_their_results(serve_each: Callable[..., SpecServer], google: Callable[..., Google]) -> None:
    def call(word: str, **more: Any) -> dict[str, Any]:
        return {"functionCall": {"name": "lookup", "args": {"word": word}, **more}}

    signed = {**call("a", id="c1"), "thoughtSignature": "c2ln"}
    server = serve_each({STREAM: chunks(answer(signed, call("b"))), GENERATE: HELLO})
    provider = google(server)
    (finish,) = provider.stream(ask(tools=[TOOL]))
    assert isinstance(finish, Finish)
    assert finish.reason == "tool_calls"
    first, second = finish.tool_calls
    assert (first.id, first.name, json.loads(first.arguments)) == ("c1", "lookup", {"word": "a"})
    assert second.id != first.id
    assert second.id
    turns = [
        Message("user", "Say hello"),
        Message("assistant", "", tool_calls=finish.tool_calls),
        Message("tool", "A", tool_call_id=first.id),
        Message("tool", "B", tool_call_id=second.id),
    ]
    list(provider.stream(ask(*turns, stream=False)))
    contents = camel(server.requests[1].body["contents"])
    assert [turn["role"] for turn in contents] == ["user", "model", "user"]
    assert contents[1]["parts"] == [signed, call("b")]
    results = [part["functionResponse"] for part in contents[2]["parts"]]
    assert results == [
        {"id": "c1", "name": "lookup", "response": {"result": "A"}},
        {"name": "lookup", "response": {"result": "B"}},
    ]


def test_calls_of_another_model_get_the_word_for_a_missing_signature(
    serve: Callable[..., SpecServer], google: Callable[..., Google]
) -> None:
    server = serve({GENERATE: HELLO})
    turns = [
        Message("user", "x"),
        Message("assistant", "", tool_calls=(ToolCall("x1", "lookup", "{not json"),)),
        Message("tool", "A", tool_call_id="x1"),
    ]
    list(google(server).stream(ModelRequest("gemini-3-pro", turns, stream=False)))
    (part,) = camel(server.requests[0].body["contents"][1]["parts"])
    assert part["thoughtSignature"] == "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
    assert part["functionCall"]["args"] == {"arguments": "{not json"}


def test_thoughts_are_asked_of_the_models_that_tell_them(
    serve: Callable[..., SpecServer], google: Callable[..., Google]
) -> None:
    server = serve({GENERATE: HELLO})
    cases = [("gemini-2.5-pro", None, True), ("gemini-2.5-flash-image", None, False), (MODEL, True, True)]
    cases += [("gemini-3-pro", False, False), ("gemma-3", None, False)]
    for model, setting, expected in cases:
        provider = google(server, **({} if setting is None else {"thoughts": setting}))
        assert ("reasoning" in provider.capabilities(model)) is expected, model
        list(provider.stream(ModelRequest(model, [Message("user", "x")], stream=False)))
        asked = camel(server.requests[-1].body).get("generationConfig", {}).get("thinkingConfig")
        assert asked == ({"includeThoughts": True} if expected else None), model


def test_tokens_are_counted_with_system_prompt_and_tools(
    serve_each: Callable[..., SpecServer], google: Callable[..., Google]
) -> None:
    server = serve_each({COUNT: {"totalTokens": 42}})
    picture = Attachment("a.png", "image/png", b"\x89PNG")
    request = ask(Message("system", "Short"), Message("user", "Hi", attachments=(picture,)), tools=[TOOL])
    assert google(server).count_tokens(request) == 42
    whole = server.requests[0].body["generateContentRequest"]
    assert whole["systemInstruction"] == {"parts": [{"text": "Short"}]}
    assert whole["tools"][0]["functionDeclarations"][0]["name"] == TOOL.name
    assert whole["contents"][0]["parts"][1]["inlineData"]["data"] == "iVBORw=="


def test_models_that_generate_text_are_listed_page_by_page(
    serve_each: Callable[..., SpecServer], google: Callable[..., Google]
) -> None:
    def entry(name: str, method: str = "generateContent") -> dict[str, Any]:
        more = {"baseModelId": name, "version": "1", "inputTokenLimit": 1000}
        return {"name": f"models/{name}", "supportedGenerationMethods": [method], **more}

    pages = [
        {"models": [entry("gemini-b"), entry("gemini-embedding-001", "embedContent")], "nextPageToken": "2"},
        {"models": [entry("gemini-a")]},
    ]
    server = serve_each({MODELS: pages})
    found = google(server).models()
    assert [(model.id, model.provider, model.context_window) for model in found] == [
        ("gemini-a", "google", 1000),
        ("gemini-b", "google", 1000),
    ]
    assert server.requests[1].query["pageToken"] == ["2"]


def test_options_go_to_the_api_and_unknown_ones_are_refused(
    serve: Callable[..., SpecServer], google: Callable[..., Google]
) -> None:
    server = serve({GENERATE: HELLO})
    list(google(server).stream(ask(stream=False, options={"top_p": 0.5})))
    assert server.requests[0].body["generationConfig"]["topP"] == 0.5
    with pytest.raises(UsageError, match="no such option: nonsense"):
        list(google(server).stream(ask(options={"nonsense": 1})))


def test_what_cannot_be_sent_is_said_before_any_request(
    serve: Callable[..., SpecServer], google: Callable[..., Google]
) -> None:
    server = serve({})
    files = (Attachment("a.zip", "application/zip", b"PK"),)
    with pytest.raises(UsageError, match="reads no application/zip"):
        list(google(server).stream(ask(Message("user", "x", attachments=files))))
    with pytest.raises(UsageError, match="no text to send"):
        list(google(server).stream(ask(Message("system", "x"))))
    with pytest.raises(UsageError, match="no model is named"):
        list(google(server).stream(ModelRequest("", [Message("user", "x")])))
    assert server.requests == []


def test_it_keeps_the_contract_of_providers(serve: Callable[..., SpecServer], google: Callable[..., Google]) -> None:
    listed = {"models": [{"name": f"models/{MODEL}", "inputTokenLimit": 9}]}
    server = serve({GENERATE: HELLO, STREAM: chunks(HELLO), MODELS: listed})
    check_provider(google(server), model=MODEL)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"contents": []}, {}),
        ({"contents": [{"role": "robot", "parts": [{"text": "x"}]}]}, {}),
        ({"contents": [{"role": "user", "parts": [{"text": "x"}]}], "generationConfig": {"temperature": 9}}, {}),
        ({"contents": [{"role": "user", "parts": [{"words": "x"}]}]}, {}),
        ({}, {}),
        ({"contents": [{"role": "user", "parts": [{"text": "x"}]}]}, {"x-goog-api-key": "wrong"}),
    ],
)
def test_the_mock_refuses_what_the_description_does_not_allow(
    serve: Callable[..., SpecServer], body: dict[str, Any], headers: dict[str, str]
) -> None:
    server = serve({GENERATE: HELLO})
    url = f"{server.url}/v1beta/models/m:generateContent"
    refused = httpx2.post(url, json=body, headers={"x-goog-api-key": KEY, **headers})
    assert refused.status_code == (401 if headers else 422)


def test_the_vendors_description_judges_too(serve_each: Callable[..., SpecServer]) -> None:
    server = serve_each({GENERATE: HELLO})
    url = f"{server.url}/v1beta/models/m:generateContent"
    wrong = {"contents": [{"role": 5, "parts": [{"text": ["x"]}]}], "generationConfig": {"temperature": "hot"}}
    assert httpx2.post(url, json=wrong, headers={"x-goog-api-key": KEY}).status_code == 422
    assert httpx2.post(url, json={"contents": []}).status_code == 401
