"""What comes back: thoughts, ends, counts, errors and everything that is no answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from conftest import KEY
from opsvi_google.provider import Google
from test_requests import GENERATE, HELLO, MODEL, MODELS, STREAM, answer, ask, chunks

from opsvi_cli.sdk import CredentialsError, Finish, ProviderError, ReasoningDelta, TextDelta, Usage
from opsvi_cli.testing import SpecAnswer, SpecServer


@pytest.fixture
def google(services: Callable[..., Any]) -> Callable[..., Google]:
    return lambda server, **options: Google(services(server, **options))


@pytest.fixture
def failure(serve: Callable[..., SpecServer], google: Callable[..., Google]) -> Callable[..., Exception]:
    """`failure(answer, stream=True)`: what the provider raises when it gets this answer."""

    def call(given: Any, *, stream: bool = True, **options: Any) -> Exception:
        server = serve({STREAM if stream else GENERATE: given}, check_answers=False)
        with pytest.raises((ProviderError, CredentialsError)) as caught:
            list(google(server, **options).stream(ask(stream=stream)))
        assert "\n" not in caught.value.message
        assert KEY not in caught.value.message + caught.value.hint
        assert len(server.requests) == 1, "the SDK must not try again by itself"
        return caught.value

    return call


def status(code: int, word: str, text: str, *details: Any, **headers: str) -> SpecAnswer:
    body = {"error": {"code": code, "status": word, "message": text, "details": list(details)}}
    return SpecAnswer(body, code, {name.replace("_", "-"): value for name, value in headers.items()})


def test_thoughts_stay_apart_and_are_counted_as_output(
    serve: Callable[..., SpecServer], google: Callable[..., Google]
) -> None:
    counted = {"promptTokenCount": 10, "candidatesTokenCount": 3, "thoughtsTokenCount": 7, "cachedContentTokenCount": 4}
    thought = answer({"text": "Hm.", "thought": True}, finish=None)
    server = serve({STREAM: chunks(thought, answer({"text": "Yes"}, usageMetadata=counted))})
    events = list(google(server).stream(ask()))
    assert events == [ReasoningDelta("Hm."), TextDelta("Yes"), Finish("stop", Usage(10, 10, 4, 7))]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "filter"),
        ("RECITATION", "filter"),
        ("PROHIBITED_CONTENT", "filter"),
        ("LANGUAGE", "filter"),
        ("A_WORD_OF_TOMORROW", "stop"),
    ],
)
def test_how_an_answer_ends(
    reason: str, expected: str, serve: Callable[..., SpecServer], google: Callable[..., Google]
) -> None:
    server = serve(
        {STREAM: chunks(answer({"text": "x"}, finish=reason)), GENERATE: answer({"text": "x"}, finish=reason)}
    )
    for stream in (True, False):
        *_, finish = google(server).stream(ask(stream=stream))
        assert isinstance(finish, Finish)
        assert finish.reason == expected


def test_a_prompt_that_is_blocked(serve: Callable[..., SpecServer], google: Callable[..., Google]) -> None:
    server = serve({GENERATE: {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}})
    assert list(google(server).stream(ask(stream=False))) == [Finish("filter", Usage(4, 0))]


@pytest.mark.parametrize("parts", [(), ({"text": "Half an"},)])
@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "OTHER"])
def test_a_model_that_gives_up_is_a_failure_whatever_it_said(
    reason: str, parts: tuple[Any, ...], failure: Callable[..., Any]
) -> None:
    error = failure(answer(*parts, finish=reason), stream=False)
    assert error.kind == "server"
    assert f"gave up ({reason})" in error.message


QUOTA = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (status(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens"), "context"),
        (status(400, "INVALID_ARGUMENT", "Unsupported MIME type"), "refused"),
        (status(404, "NOT_FOUND", "models/x is not found"), "not-found"),
        (status(429, "RESOURCE_EXHAUSTED", QUOTA), "quota"),
        (status(429, "RESOURCE_EXHAUSTED", "slow down", retry_after="7"), "rate"),
        (status(500, "INTERNAL", "oops"), "server"),
        (status(503, "UNAVAILABLE", "The model is overloaded."), "server"),
        (SpecAnswer("<html>bad gateway</html>", 502), "server"),
        (SpecAnswer([1, 2], 503), "server"),
    ],
)
def test_statuses(given: SpecAnswer, kind: str, failure: Callable[..., Any]) -> None:
    for stream in (True, False):
        error = failure(given, stream=stream)
        assert error.kind == kind
        assert error.status == given.status
        assert f"google/{MODEL} at http://127.0.0.1" in error.message
        assert "html" not in error.message


@pytest.mark.parametrize("code", [401, 403])
def test_a_key_that_is_refused(code: int, failure: Callable[..., Any]) -> None:
    error = failure(status(code, "PERMISSION_DENIED", f"the key {KEY} is wrong"))
    assert isinstance(error, CredentialsError)
    assert error.hint == "it is the one of the variable GEMINI_API_KEY: put another one there"


def test_a_key_that_is_none_comes_as_status_400(failure: Callable[..., Any]) -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    error = failure(status(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", detail))
    assert isinstance(error, CredentialsError)


def test_a_limit_per_minute_is_no_quota_that_is_used_up(failure: Callable[..., Any]) -> None:
    violation = {"quotaMetric": "requests", "quotaId": "GenerateRequestsPerMinutePerProject"}
    failed = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s"}
    error = failure(status(429, "RESOURCE_EXHAUSTED", QUOTA, failed, retry))
    assert (error.kind, error.retry_after) == ("rate", 34.5)
    assert "GenerateRequestsPerMinutePerProject" in error.message
    daily = {**failed, "violations": [{**violation, "quotaId": "GenerateRequestsPerDayPerProject"}]}
    assert failure(status(429, "RESOURCE_EXHAUSTED", QUOTA, daily, retry)).kind == "quota"


def test_no_key_at_all(
    serve: Callable[..., SpecServer], opsvi_services: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CredentialsError, match=r"there is no key for gateway\.example") as caught:
        list(Google(opsvi_services("google", base_url="https://gateway.example")).stream(ask()))
    assert "providers.google.api_key env:NAME" in caught.value.hint
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(CredentialsError, match="there is no key") as caught:
        list(Google(opsvi_services("google")).stream(ask()))
    assert "opsvi secrets set google" in caught.value.hint
    assert "GEMINI_API_KEY" in caught.value.hint
    server = serve({STREAM: chunks(HELLO)})
    with pytest.raises(CredentialsError, match="credentials are missing"):
        list(Google(opsvi_services("google", base_url=server.url)).stream(ask()))
    assert "x-goog-api-key" not in server.requests[0].headers


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (SpecAnswer("<html>log in</html>", headers={"content-type": "text/html"}), "bad-response"),
        (SpecAnswer("", headers={"content-type": "application/octet-stream"}), "bad-response"),
        (chunks(), "bad-response"),
        (chunks({}), "bad-response"),
        (chunks(answer({"text": "half"}, finish=None)), "network"),
        (SpecAnswer.sse([answer({"text": "half"}, finish=None)], close=True), "network"),
        (chunks(answer({"text": "x"}, finish=None), "{not json"), "bad-response"),
        (chunks("[1, 2]"), "bad-response"),
        (chunks('"text"'), "bad-response"),
        (chunks("null"), "bad-response"),
        (chunks({"candidates": "none"}), "bad-response"),
        (
            chunks({"candidates": [{"content": {"parts": [{"functionCall": {}}]}, "finishReason": "STOP"}]}),
            "bad-response",
        ),
        (chunks({"error": {"code": 503, "status": "UNAVAILABLE", "message": "overloaded"}}), "server"),
        (chunks(HELLO, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slower"}}), "rate"),
        (chunks({"error": "odd"}), "bad-response"),
    ],
)
def test_streams_that_are_no_answers(given: SpecAnswer, kind: str, failure: Callable[..., Any]) -> None:
    assert failure(given).kind == kind


@pytest.mark.parametrize(
    "body", ["{not json", [1], "null", "3", {}, {"candidates": [{"content": 5}]}, {"candidates": []}]
)
def test_whole_answers_that_are_none(body: Any, failure: Callable[..., Any]) -> None:
    given = SpecAnswer(body, headers={"content-type": "application/json"})
    assert failure(given, stream=False).kind == "bad-response"


def test_a_redirect_to_another_server_is_not_followed(
    serve: Callable[..., SpecServer], failure: Callable[..., Any]
) -> None:
    other = serve({GENERATE: HELLO})
    error = failure(SpecAnswer({}, 307, {"location": f"{other.url}/v1beta/models/m:generateContent"}), stream=False)
    assert "would go to another server" in error.message
    assert other.requests == []


def test_a_server_that_stalls_is_given_up(failure: Callable[..., Any]) -> None:
    over = threading.Event()

    def slow() -> Iterator[Any]:
        yield answer({"text": "x"}, finish=None)
        over.wait(30)

    try:
        assert failure(SpecAnswer.sse(slow(), done=""), timeout=0.3).kind == "timeout"
    finally:
        over.set()


def test_nobody_is_there(google: Callable[..., Google], serve: Callable[..., SpecServer]) -> None:
    server = serve({})
    provider = google(server)
    server.__exit__(None, None, None)
    with pytest.raises(ProviderError, match="cannot connect") as caught:
        list(provider.stream(ask()))
    assert caught.value.kind == "network"


def test_closing_ends_the_request(serve: Callable[..., SpecServer], google: Callable[..., Google]) -> None:
    def endless() -> Iterator[Any]:
        while True:
            yield answer({"text": "x" * 1000}, finish=None)

    server = serve({STREAM: SpecAnswer.sse(endless(), done="")})
    events = google(server).stream(ask())
    assert isinstance(next(events), TextDelta)
    events.close()
    assert server.requests[0].client_gone.wait(10)


def test_a_list_of_models_without_end(serve: Callable[..., SpecServer], google: Callable[..., Google]) -> None:
    server = serve({MODELS: {"models": [{"name": "models/a"}], "nextPageToken": "again"}})
    with pytest.raises(ProviderError, match="does not end"):
        google(server).models()
    assert len(server.requests) == 21
