"""What the provider sends, and what it makes of what comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from conftest import CHAT, KEY, MODEL, ask, chunk, streamed, whole
from hf_documents import TGI
from opsvi_huggingface.provider import HuggingFace

from opsvi_cli.sdk import (
    Attachment,
    CredentialsError,
    Finish,
    Message,
    ProviderError,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
    UsageError,
)
from opsvi_cli.testing import SpecAnswer, SpecRequest, SpecServer, check_provider

SCHEMA = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
TOOL = ToolSpec("lookup", "Looks a word up.", {"type": "object", "properties": {"word": {"type": "string"}}})
HELLO = streamed(chunk(content="hel"), chunk("stop", content="lo"))
MODELS = "GET /v1/models"


@pytest.fixture
def hf(services: Callable[..., Any]) -> Callable[..., HuggingFace]:
    return lambda server, **options: HuggingFace(services(server, **options))


def both(request: SpecRequest) -> SpecAnswer | dict[str, Any]:
    return HELLO if request.body["stream"] else whole(content="hello")


@pytest.mark.parametrize("dialect", ["router", "server"])
def test_a_whole_answer_and_a_stream(
    dialect: str, serve: Callable[..., SpecServer], hf: Callable[..., HuggingFace]
) -> None:
    server = serve({CHAT: both})
    provider = hf(server, dialect=dialect)
    assert list(provider.stream(ask(stream=False))) == [TextDelta("hello"), Finish("stop", Usage(5, 2))]
    events = list(
        provider.stream(ask(Message("system", "Short"), Message("user", "Hi"), temperature=0.5, max_tokens=9))
    )
    assert events == [TextDelta("hel"), TextDelta("lo"), Finish("stop", Usage(5, 2))]
    body = server.requests[1].body
    assert body["messages"] == [{"role": "system", "content": "Short"}, {"role": "user", "content": "Hi"}]
    assert (body["model"], body["temperature"], body["max_tokens"]) == (MODEL, 0.5, 9)
    assert server.requests[1].headers["authorization"] == f"Bearer {KEY}"


def test_a_tgi_server_gets_its_own_names(serve_each: Callable[..., SpecServer], hf: Callable[..., HuggingFace]) -> None:
    server = serve_each("tgi", {CHAT: both})
    provider = hf(server, dialect="server")
    for more in ({"schema": SCHEMA}, {"tools": [TOOL]}, {"stream": False}):
        assert list(provider.stream(ask(**more)))
    first, second, _third = server.requests
    assert first.body["response_format"] == {"type": "json", "value": SCHEMA}
    assert second.body["tools"][0]["function"]["arguments"] == TOOL.parameters


def test_the_router_gets_a_schema_tools_pictures_and_results(
    serve: Callable[..., SpecServer], hf: Callable[..., HuggingFace]
) -> None:
    server = serve({CHAT: HELLO})
    turns = [
        Message("user", "What is it?", attachments=(Attachment("a.png", "image/png", b"\x89PNG"),)),
        Message("assistant", "", tool_calls=(ToolCall("c1", "lookup", '{"word": "a"}'),)),
        Message("tool", "A", tool_call_id="c1"),
    ]
    list(hf(server).stream(ask(*turns, schema=SCHEMA, tools=[TOOL])))
    body = server.requests[0].body
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["tools"][0]["function"]["parameters"] == TOOL.parameters
    assert body["messages"][0]["content"][1]["image_url"]["url"] == "data:image/png;base64,iVBORw=="
    assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "lookup", "arguments": '{"word": "a"}'}
    assert body["messages"][2]["tool_call_id"] == "c1"


def test_tool_calls_in_pieces_and_thoughts(serve: Callable[..., SpecServer], hf: Callable[..., HuggingFace]) -> None:
    def call(index: int, **function: str) -> dict[str, Any]:
        identity = {"id": f"c{index}"} if "name" in function else {}
        return {"tool_calls": [{"index": index, **identity, "type": "function", "function": function}]}

    pieces = [
        call(0, name="lookup", arguments='{"wo'),
        call(0, arguments='rd": 1}'),
        call(1, name="lookup", arguments="{}"),
    ]
    given = [chunk(reasoning_content="Hm."), *(chunk(**piece) for piece in pieces), chunk("tool_calls")]
    server = serve(
        {
            CHAT: [
                streamed(*given),
                whole(
                    "stop",
                    content=None,
                    tool_calls=[
                        {"id": "x", "type": "function", "function": {"name": "lookup", "arguments": {"word": "a"}}}
                    ],
                ),
            ]
        }
    )
    thought, finish = hf(server).stream(ask(tools=[TOOL]))
    assert thought == ReasoningDelta("Hm.")
    assert finish == Finish(
        "tool_calls", Usage(5, 2), (ToolCall("c0", "lookup", '{"word": 1}'), ToolCall("c1", "lookup", "{}"))
    )
    (finish,) = hf(server).stream(ask(tools=[TOOL], stream=False))
    assert finish == Finish("tool_calls", Usage(5, 2), (ToolCall("x", "lookup", '{"word": "a"}'),))


def test_the_contract(serve: Callable[..., SpecServer], hf: Callable[..., HuggingFace]) -> None:
    listed = {"data": [{"id": MODEL, "providers": [{"context_length": 10}, {"context_length": 20}, {}]}]}
    server = serve({CHAT: both, MODELS: listed})
    check_provider(hf(server), model=MODEL)
    (model,) = hf(server).models()
    assert (model.id, model.context_window) == (MODEL, 20)


def test_the_one_model_of_a_tgi_server(serve_each: Callable[..., SpecServer], hf: Callable[..., HuggingFace]) -> None:
    server = serve_each("tgi", {MODELS: {"id": MODEL, "object": "model", "created": 1, "owned_by": MODEL}})
    assert [model.id for model in hf(server, dialect="server").models()] == [MODEL]


def test_lists_of_another_shape(serve: Callable[..., SpecServer], hf: Callable[..., HuggingFace]) -> None:
    for body in ({"data": 5}, {"data": [5]}, {}, {"data": [{"name": "x"}]}):
        with pytest.raises(ProviderError, match="another shape"):
            hf(serve({MODELS: body})).models()


def test_what_cannot_be_sent(serve: Callable[..., SpecServer], hf: Callable[..., HuggingFace]) -> None:
    server = serve({})
    pdf = Message("user", "x", attachments=(Attachment("a.pdf", "application/pdf", b"%PDF"),))
    with pytest.raises(UsageError, match="reads no application/pdf"):
        list(hf(server).stream(ask(pdf)))
    with pytest.raises(UsageError, match="is none of router, server"):
        list(hf(server, dialect="other").stream(ask()))
    assert server.requests == []


def test_keys(
    serve: Callable[..., SpecServer], hf: Callable[..., HuggingFace], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve({CHAT: HELLO}, document=TGI)
    monkeypatch.setenv("HF_TOKEN", "sk-of-another-vendor")
    with pytest.raises(CredentialsError, match="no token of Hugging Face"):
        list(hf(server).stream(ask()))
    assert server.requests == []
    # The token of the environment is for Hugging Face, not for a server of one's own.
    with pytest.raises(CredentialsError, match="a key is needed"):
        list(hf(server, dialect="server", api_key="").stream(ask()))
    assert "authorization" not in server.requests[0].headers


# --- failures


@pytest.fixture
def failure(serve: Callable[..., SpecServer], hf: Callable[..., HuggingFace]) -> Callable[..., Any]:
    def call(given: Any, *, stream: bool = True, dialect: str = "router", **options: Any) -> Exception:
        server = serve({CHAT: given})
        with pytest.raises((ProviderError, CredentialsError)) as caught:
            list(hf(server, dialect=dialect, **options).stream(ask(stream=stream)))
        assert "\n" not in caught.value.message
        assert KEY not in caught.value.message + caught.value.hint
        assert len(server.requests) == 1, "the library must not try again by itself"
        return caught.value

    return call


def status(code: int, text: str, **headers: str) -> SpecAnswer:
    return SpecAnswer({"error": text, "error_type": "x"}, code, {k.replace("_", "-"): v for k, v in headers.items()})


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (
            status(422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"),
            "context",
        ),
        (status(422, "Input validation error: `best_of` is wrong"), "refused"),
        (SpecAnswer({"error": {"message": "The requested model is not supported", "code": "x"}}, 400), "refused"),
        (status(404, "Model owner/small does not exist"), "not-found"),
        (status(402, "You have exceeded your monthly included credits"), "quota"),
        (status(429, "Model is overloaded", retry_after="7"), "rate"),
        (status(424, "Request failed during generation"), "server"),
        (status(500, "oops"), "server"),
        (SpecAnswer("<html>bad gateway</html>", 502), "server"),
        (SpecAnswer([1], 503), "server"),
    ],
)
def test_statuses(given: SpecAnswer, kind: str, failure: Callable[..., Any]) -> None:
    for stream, dialect in ((True, "router"), (False, "server")):
        error = failure(given, stream=stream, dialect=dialect)
        assert error.kind == kind
        assert f"huggingface/{MODEL} at http://127.0.0.1" in error.message
        assert "html" not in error.message


@pytest.mark.parametrize("code", [401, 403])
def test_a_key_that_is_refused(code: int, failure: Callable[..., Any]) -> None:
    error = failure(status(code, f"the token {KEY} is wrong"))
    assert isinstance(error, CredentialsError)
    assert error.hint == "it is the one of the variable HF_TOKEN: put another one there"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (SpecAnswer("<html>log in</html>", headers={"content-type": "text/html"}), "bad-response"),
        (SpecAnswer.sse([]), "bad-response"),
        (SpecAnswer.sse([], done=""), "bad-response"),
        (whole(content="not streamed"), "bad-response"),
        (SpecAnswer.sse([chunk(content="half")], done=""), "network"),
        (SpecAnswer.sse([chunk(content="half")], close=True), "network"),
        (SpecAnswer.sse([chunk(content="x"), "{not json"]), "bad-response"),
        (SpecAnswer.sse(["[1, 2]"]), "bad-response"),
        (SpecAnswer.sse(["null"]), "bad-response"),
        (SpecAnswer.sse([{"choices": "none"}]), "bad-response"),
        (SpecAnswer.sse([{"error": "overloaded", "error_type": "overloaded"}]), "server"),
        (SpecAnswer.sse([chunk(content="x"), {"error": "out of memory", "error_type": "generation"}]), "server"),
    ],
)
def test_streams_that_are_no_answers(given: SpecAnswer, kind: str, failure: Callable[..., Any]) -> None:
    for dialect in ("router", "server"):
        assert failure(given, dialect=dialect).kind == kind


@pytest.mark.parametrize("body", ["{not json", [1], "null", "3", {}, {"choices": []}, {"choices": [5]}, whole(None)])
def test_whole_answers_that_are_none(body: Any, failure: Callable[..., Any]) -> None:
    error = failure(SpecAnswer(body, headers={"content-type": "application/json"}), stream=False)
    assert error.kind in ("bad-response", "network")


def test_a_redirect_to_another_server_is_not_followed(
    serve: Callable[..., SpecServer], failure: Callable[..., Any]
) -> None:
    other = serve({CHAT: HELLO})
    error = failure(SpecAnswer({}, 307, {"location": f"{other.url}/v1/chat/completions"}))
    assert "would go to another server" in error.message
    assert other.requests == []


def test_a_server_that_stalls_is_given_up(failure: Callable[..., Any]) -> None:
    over = threading.Event()

    def slow() -> Iterator[Any]:
        yield chunk(content="x")
        over.wait(30)

    try:
        assert failure(SpecAnswer.sse(slow()), timeout=0.3).kind == "timeout"
    finally:
        over.set()


def test_closing_ends_the_request_and_others_go_on(
    serve: Callable[..., SpecServer], hf: Callable[..., HuggingFace]
) -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield chunk(content="x" * 1000)

    server = serve({CHAT: [SpecAnswer.sse(endless()), HELLO]})
    events = hf(server).stream(ask())
    assert isinstance(next(events), TextDelta)
    # A second answer beside it goes over a client of its own.
    assert len(list(hf(server).stream(ask()))) == 3
    assert isinstance(next(events), TextDelta)
    events.close()
    assert server.requests[0].client_gone.wait(10)


@pytest.mark.parametrize(
    "body",
    [
        {"model": "m", "messages": [{"role": "robot", "content": "x"}]},
        {"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": 9},
        {"model": "m", "messages": []},
        {"messages": [{"role": "user", "content": "x"}]},
    ],
)
def test_the_mock_refuses_what_the_description_does_not_allow(
    body: dict[str, Any], serve: Callable[..., SpecServer]
) -> None:
    for document in ("router", "tgi"):
        server = serve({CHAT: HELLO}, **({} if document == "router" else {"document": TGI}))
        url = f"{server.url}/v1/chat/completions"
        assert httpx2.post(url, json=body, headers={"authorization": f"Bearer {KEY}"}).status_code == 422
        assert httpx2.post(url, json=body).status_code == 401
