"""What goes wrong at the server or on the way there: a kind, a hint, and never the key."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
import wire
from conftest import KEY
from opsvi_cohere.embedder import CohereEmbedder
from opsvi_cohere.provider import Cohere
from wire import SpecAnswer, begin, call, calling, content, end, stream

from opsvi_cli.sdk import CredentialsError, Message, ModelRequest, OpsviError, ProviderError, TextDelta

REQUEST = ModelRequest(wire.MODEL, [Message("user", "a secret prompt")])
WHOLE = ModelRequest(wire.MODEL, [Message("user", "a secret prompt")], stream=False)
HTML = SpecAnswer("<html>log in</html>", headers={"content-type": "text/html"})


def _failure(
    make: Callable[..., Any], serve: Callable[..., Any], answer: Any, request: ModelRequest = REQUEST, **more: Any
) -> OpsviError:
    """The one error of a request, which is made once and says who was asked and where."""
    with serve({"POST /v2/chat": answer}, check_answers=False) as server:
        with pytest.raises(OpsviError) as caught:
            list(make(server.url, **more).stream(request))
        assert len(server.requests) == 1
        failure = caught.value
        assert f"cohere/{wire.MODEL}" in failure.message
        assert server.url in failure.message
    assert KEY not in failure.message + failure.hint
    assert "\n" not in failure.message
    assert failure.hint
    return failure


@pytest.mark.parametrize("request_", [REQUEST, WHOLE])
@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (400, "invalid request: too many tokens: the total number of tokens cannot exceed 4081", "context"),
        (400, "invalid request: temperature", "refused"),
        (402, "please add a payment method", "quota"),
        (404, "model 'no-such' not found", "not-found"),
        (422, "unprocessable", "refused"),
        (429, "You are using a Trial key, which is limited to 1000 API calls / month", "quota"),
        (429, "You are using a Trial key, which is limited to 20 API calls / minute", "rate"),
        (499, "request cancelled", "timeout"),
        (500, "internal server error", "server"),
        (503, "overloaded", "server"),
    ],
)
def test_status(
    make: Callable[..., Any], serve: Callable[..., Any], status: int, text: str, expected: str, request_: ModelRequest
) -> None:
    failure = _failure(make, serve, SpecAnswer({"message": text}, status, {"retry-after": "7"}), request_)
    assert isinstance(failure, ProviderError)
    assert failure.kind == expected
    assert text in failure.message
    assert failure.retry_after == (7 if expected in ("rate", "server") else None)


@pytest.mark.parametrize("status", [401, 403, 498])
def test_a_refused_key_is_not_repeated(make: Callable[..., Any], serve: Callable[..., Any], status: int) -> None:
    failure = _failure(make, serve, SpecAnswer({"message": f"invalid api token {KEY}"}, status))
    assert isinstance(failure, CredentialsError)
    assert "[redacted]" in failure.message
    assert "the variable CO_API_KEY" in failure.hint


def test_an_error_page_is_not_quoted(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    failure = _failure(make, serve, SpecAnswer("<html>502</html>", 502, {"content-type": "text/html"}))
    assert isinstance(failure, ProviderError)
    assert failure.kind == "server"
    assert "<" not in failure.message


def test_the_vendors_key_goes_to_the_vendor_alone(
    opsvi_services: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CO_API_KEY", KEY)
    services = opsvi_services("cohere", base_url="https://gateway.example")
    with pytest.raises(CredentialsError, match=r"there is no key for gateway\.example") as caught:
        list(Cohere(services).stream(REQUEST))
    assert "providers.cohere.api_key env:NAME" in caught.value.hint
    with pytest.raises(CredentialsError) as caught:
        CohereEmbedder(services).embed(["x"])
    assert "parts.cohere.api_key env:NAME" in caught.value.hint


def test_no_key_is_said_before_a_request(make: Callable[..., Any]) -> None:
    with pytest.raises(CredentialsError, match="there is no key") as caught:
        list(make("https://api.cohere.com", key="").stream(REQUEST))
    assert "CO_API_KEY" in caught.value.hint


@pytest.mark.parametrize("request_", [REQUEST, WHOLE])
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (HTML, "text/html"),
        (SpecAnswer({"id": "x"}), "holds no message"),
        (SpecAnswer({"message": "sorry"}), ""),
        (SpecAnswer(["x"]), ""),
        (SpecAnswer("{", headers={"content-type": "application/json"}), ""),
        (SpecAnswer(b"\xff\xfe", headers={"content-type": "application/json"}), ""),
        (SpecAnswer({**wire.message(wire.text("x")), "finish_reason": None}), "how it ended"),
        (SpecAnswer(wire.message({"type": "text", "text": 3})), ""),
        (SpecAnswer(wire.message(tool_calls=[call("", "x")])), "no id"),
    ],
)
def test_strange_answers(
    make: Callable[..., Any], serve: Callable[..., Any], answer: Any, text: str, request_: ModelRequest
) -> None:
    failure = _failure(make, serve, answer, request_)
    assert isinstance(failure, ProviderError)
    assert failure.kind == "bad-response"
    assert text in failure.message


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([], "the stream is empty"),
        ([begin(), ("content-delta", "{not json")], "cannot be read"),
        ([begin(), ("content-delta", "[1]")], "another shape"),
        ([begin(), {"type": "content-delta", "delta": {"message": 3}}], "another shape"),
        ([begin(), {"type": "content-delta", "delta": {"message": {"content": {"text": 3}}}}], "no text"),
        (
            [begin(), *calling(0, "a", "b")[:1], {"type": "tool-call-delta", "index": 7, "delta": {"message": {}}}],
            "none",
        ),
        ([begin(), {"type": "message-end", "delta": {}}], "how it ended"),
    ],
)
def test_strange_streams(
    make: Callable[..., Any],
    serve: Callable[..., Any],
    events: Any,
    text: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        failure = _failure(make, serve, stream(events))
    assert isinstance(failure, ProviderError)
    assert failure.kind == "bad-response"
    assert text in failure.message
    assert "Skipping" not in capfd.readouterr().err + caplog.text  # the SDK's own way with such events


@pytest.mark.parametrize("close", [True, False])
def test_a_stream_that_ends_in_the_middle_keeps_what_came(
    make: Callable[..., Any], serve: Callable[..., Any], close: bool
) -> None:
    answer = stream([begin(), *content(0, "text", "half")], close=close)
    with serve({"POST /v2/chat": answer}) as server:
        events = make(server.url).stream(REQUEST)
        assert next(events) == TextDelta("half")
        with pytest.raises(ProviderError) as caught:
            next(events)
    assert caught.value.kind == "network"


@pytest.mark.parametrize(("reason", "kind"), [("ERROR", "server"), ("ERROR_NEW", "server"), ("TIMEOUT", "timeout")])
def test_an_answer_that_the_server_broke_off(
    make: Callable[..., Any], serve: Callable[..., Any], reason: str, kind: str
) -> None:
    broken = stream([begin(), *content(0, "text", "half"), *end(reason, error=f"sorry {KEY}")])
    failure = _failure(make, serve, broken)
    assert isinstance(failure, ProviderError)
    assert failure.kind == kind
    assert ("sorry" in failure.message) is (kind == "server")


def test_a_redirect_to_another_server_gets_no_prompt(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    with serve({"POST /v2/chat": wire.said("x")}) as other:
        failure = _failure(make, serve, SpecAnswer({}, 307, {"location": f"{other.url}/v2/chat"}))
        assert other.requests == []
    assert "not followed" in failure.message


def test_proxies_of_the_environment_are_not_used(
    make: Callable[..., Any], serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serve({"POST /v2/chat": wire.said("x")}) as server:
        assert next(make(server.url).stream(REQUEST)) == TextDelta("x")


@pytest.mark.parametrize("request_", [REQUEST, WHOLE])
def test_a_server_that_says_nothing_more(
    make: Callable[..., Any], serve: Callable[..., Any], request_: ModelRequest
) -> None:
    go_on = threading.Event()

    def events() -> Any:
        yield ("message-start", begin())
        go_on.wait(20)

    def slowly(_: Any) -> Any:
        if not request_.stream:
            go_on.wait(20)
        return SpecAnswer.sse(events())

    try:
        failure = _failure(make, serve, slowly, request_, timeout=0.3)
    finally:
        go_on.set()
    assert isinstance(failure, ProviderError)
    assert failure.kind == "timeout"


def test_nobody_is_there(make: Callable[..., Any]) -> None:
    with pytest.raises(ProviderError) as caught:
        list(make("http://127.0.0.1:9").stream(REQUEST))
    assert caught.value.kind == "network"


def test_closing_the_iterator_ends_the_request(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    def events() -> Any:
        for _ in range(2000):
            yield from content(0, "text", "word " * 400)

    with serve({"POST /v2/chat": SpecAnswer.sse(events())}) as server:
        answer = make(server.url).stream(REQUEST)
        assert isinstance(next(answer), TextDelta)
        answer.close()
        assert server.requests[0].client_gone.wait(20)
    assert list(answer) == []


def test_an_endless_answer_is_cut_off(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    huge = stream([begin(), *content(0, "text", "x" * 20_000_000), *end()])
    assert "exceeded maximum size" in _failure(make, serve, huge).message


def test_an_error_in_place_of_an_event_is_told_in_the_servers_words(
    make: Callable[..., Any], serve: Callable[..., Any]
) -> None:
    failure = _failure(make, serve, stream([begin(), ("error", {"message": "the model fell over"})]))
    assert "the server broke off: the model fell over" in failure.message
