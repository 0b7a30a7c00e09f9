"""What goes wrong at the server or on the way there: a kind, a hint, and never the key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import wire
from conftest import KEY
from opsvi_anthropic.provider import Anthropic
from wire import SpecAnswer, begin, end, error, event, stream, text_block

from opsvi_cli.sdk import CredentialsError, Message, ModelRequest, OpsviError, ProviderError, TextDelta

Ask = Callable[..., Any]
REQUEST = ModelRequest(wire.MODEL, [Message("user", "a secret prompt")])
HTML = SpecAnswer("<html>log in</html>", headers={"content-type": "text/html"})


def _failure(make: Callable[..., Any], serve: Callable[..., Any], answer: Any, **more: Any) -> OpsviError:
    """The one error of a request, which is made once and says who was asked and where."""
    with serve({"POST /v1/messages": answer}, check_answers=False) as server:
        with pytest.raises(OpsviError) as caught:
            list(make(server.url, **more).stream(REQUEST))
        assert len(server.requests) == 1
        failure = caught.value
        assert f"anthropic/{wire.MODEL}" in failure.message
        assert server.url in failure.message
    assert KEY not in failure.message + failure.hint
    assert "\n" not in failure.message
    assert failure.hint
    return failure


@pytest.mark.parametrize(
    ("status", "kind", "text", "expected"),
    [
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "context"),
        (400, "invalid_request_error", "Your credit balance is too low to access the API", "quota"),
        (400, "invalid_request_error", "top_k: no", "refused"),
        (402, "billing_error", "pay", "quota"),
        (404, "not_found_error", "model: no-such", "not-found"),
        (413, "request_too_large", "Request exceeds the maximum size", "context"),
        (429, "rate_limit_error", "slow down", "rate"),
        (500, "api_error", "Internal server error", "server"),
        (529, "overloaded_error", "Overloaded", "server"),
    ],
)
def test_status(
    make: Callable[..., Any], serve: Callable[..., Any], status: int, kind: str, text: str, expected: str
) -> None:
    failure = _failure(make, serve, SpecAnswer(error(kind, text), status, {"retry-after": "7"}))
    assert isinstance(failure, ProviderError)
    assert (failure.kind, failure.status) == (expected, status)
    assert text in failure.message
    assert failure.retry_after == (7 if status in (429, 500, 529) else None)


@pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (403, "permission_error")])
def test_a_refused_key_is_not_repeated(
    make: Callable[..., Any], serve: Callable[..., Any], status: int, kind: str
) -> None:
    failure = _failure(make, serve, SpecAnswer(error(kind, f"invalid x-api-key {KEY}"), status))
    assert isinstance(failure, CredentialsError)
    assert "[redacted]" in failure.message
    assert "the variable ANTHROPIC_API_KEY" in failure.hint


def test_the_vendors_key_goes_to_the_vendor_alone(
    opsvi_services: Callable[..., Any], serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    with serve({}) as server:
        with pytest.raises(CredentialsError, match="a key is needed"):
            list(Anthropic(opsvi_services("anthropic", base_url=server.url)).stream(REQUEST))
        assert KEY not in str(server.requests[0].headers)
    with pytest.raises(CredentialsError, match=r"there is no key for gateway\.example") as caught:
        list(Anthropic(opsvi_services("anthropic", base_url="https://gateway.example")).stream(REQUEST))
    assert "providers.anthropic.api_key env:NAME" in caught.value.hint


def test_no_key_is_said_before_a_request(make: Callable[..., Any]) -> None:
    with pytest.raises(CredentialsError, match="there is no key") as caught:
        list(make("https://api.anthropic.com", key="").stream(REQUEST))
    assert "ANTHROPIC_API_KEY" in caught.value.hint


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (HTML, "text/html"),
        (SpecAnswer({"content": "x"}), "holds no message"),
        (SpecAnswer(["x"]), "another shape"),
        (SpecAnswer("{", headers={"content-type": "application/json"}), "cannot be read"),
        (SpecAnswer(wire.message(wire.text("x"), stop=None)), "how it ended"),
        (SpecAnswer(wire.message({"type": "text", "text": None})), "no text"),
        (SpecAnswer(wire.message({"type": "tool_use", "id": "", "name": "x"})), "no id"),
        (SpecAnswer(b"\xff\xfe", headers={"content-type": "application/json"}), "cannot be read"),
        (stream([]), "the stream is empty"),
        (stream([begin(), ("content_block_delta", "{not json")]), "cannot be read"),
        (stream([begin(), ("content_block_delta", "[1]")]), "another shape"),
        (stream([begin(), event("content_block_delta", index=0, delta="x")]), "another shape"),
        (stream([begin(), event("content_block_delta", delta={"type": "text_delta", "text": "x"})]), "no number"),
        (
            stream(
                [begin(), event("content_block_delta", index=3, delta={"type": "input_json_delta", "partial_json": ""})]
            ),
            "belongs to none",
        ),
    ],
)
def test_strange_answers(make: Callable[..., Any], serve: Callable[..., Any], answer: Any, text: str) -> None:
    failure = _failure(make, serve, answer)
    assert isinstance(failure, ProviderError)
    assert failure.kind == "bad-response"
    assert text in failure.message


@pytest.mark.parametrize("close", [True, False])
def test_a_stream_that_ends_in_the_middle_keeps_what_came(
    make: Callable[..., Any], serve: Callable[..., Any], close: bool
) -> None:
    answer = stream([begin(), *text_block(0, "half")], close=close)
    with serve({"POST /v1/messages": answer}) as server:
        events = make(server.url).stream(REQUEST)
        assert next(events) == TextDelta("half")
        with pytest.raises(ProviderError) as caught:
            next(events)
    assert caught.value.kind == "network"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("overloaded_error", "server"), ("api_error", "server"), ("rate_limit_error", "rate"), ("new_error", "server")],
)
def test_an_error_in_a_stream(make: Callable[..., Any], serve: Callable[..., Any], kind: str, expected: str) -> None:
    broken = stream([begin(), *text_block(0, "half"), ("error", error(kind, f"Sorry {KEY}"))])
    failure = _failure(make, serve, broken)
    assert isinstance(failure, ProviderError)
    assert failure.kind == expected
    assert "Sorry" in failure.message


def test_a_redirect_to_another_server_gets_no_prompt(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    with serve({"POST /v1/messages": wire.said("x")}) as other:
        there = {"location": f"{other.url}/v1/messages"}
        failure = _failure(make, serve, SpecAnswer({}, 307, there))
        assert other.requests == []
    assert "not followed" in failure.message


def test_a_server_that_says_nothing_more(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    go_on = threading.Event()

    def events() -> Any:
        yield begin()
        yield from text_block(0, "half")
        go_on.wait(20)

    try:
        failure = _failure(make, serve, stream(events()), timeout=0.3)
    finally:
        go_on.set()
    assert isinstance(failure, ProviderError)
    assert failure.kind == "timeout"


def test_nobody_is_there(make: Callable[..., Any]) -> None:
    with pytest.raises(ProviderError) as caught:
        list(make("http://127.0.0.1:9").stream(REQUEST))
    assert caught.value.kind == "network"


def test_closing_the_iterator_ends_the_request(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    gone = threading.Event()

    def events() -> Any:
        yield begin()
        try:
            for _ in range(2000):
                yield from text_block(0, "word " * 400)
        finally:
            gone.set()

    with serve({"POST /v1/messages": stream(events())}, check_answers=False) as server:
        answer = make(server.url).stream(REQUEST)
        assert isinstance(next(answer), TextDelta)
        answer.close()
        assert server.requests[0].client_gone.wait(20)
    assert list(answer) == []


def test_an_endless_answer_is_cut_off(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    piece = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x" * 20_000_000})
    huge = stream([begin(), piece, *end()])
    assert "more than 16000000 bytes" in _failure(make, serve, huge).message
