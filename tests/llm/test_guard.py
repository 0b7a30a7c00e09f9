"""The guard: what a provider may give, and what it may not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from opsvi_cli.errors import CredentialsError, NetworkError, OpsviError, ProviderError
from opsvi_cli.llm import guard
from opsvi_cli.llm.guard import Progress, clean, guarded
from opsvi_cli.sdk import Finish, ReasoningDelta, TextDelta, ToolCall


def run(*events: Any) -> tuple[list[Any], OpsviError | None]:
    """Events that came through, and the error that ended them. An exception among `events` is raised there."""

    def provider() -> Iterator[Any]:
        for event in events:
            if isinstance(event, Exception):
                raise event
            yield event

    seen: list[Any] = []
    try:
        for event in guarded(provider(), "p/m", Progress()):
            seen.append(event)
    except OpsviError as error:
        return seen, error
    return seen, None


def test_a_good_answer_passes() -> None:
    events = [ReasoningDelta("hm"), TextDelta("a"), TextDelta("b"), Finish("stop")]
    assert run(*events) == (events, None)
    call = Finish("tool_calls", tool_calls=(ToolCall("1", "clock", "{}"),))
    assert run(call) == ([call], None)


@pytest.mark.parametrize(
    ("events", "kind", "says"),
    [
        ([], "bad-response", "p/m: the answer is empty"),
        ([Finish("stop")], "bad-response", "p/m: the answer is empty"),
        ([TextDelta(""), Finish("stop")], "bad-response", "p/m: the answer is empty"),
        ([ReasoningDelta("hm"), Finish("stop")], "bad-response", "p/m: the answer is empty"),
        ([Finish("length")], "bad-response", "p/m: the limit of tokens"),
        ([TextDelta("a")], "bad-response", "p/m: the answer ends in the middle; the answer is incomplete"),
        ([TextDelta("a"), "b"], "bad-response", "p/m: the provider gave str"),
        ([TextDelta("a"), Finish("filter")], "refused", "content filter"),
        ([TextDelta("a"), Finish("refusal")], "refused", "refused to answer"),
        ([KeyError("choices")], "bad-response", "p/m: the provider failed with KeyError"),
        ([TextDelta("a"), ValueError("x")], "bad-response", "ValueError: x; the answer is incomplete"),
        ([NetworkError("too large")], "bad-response", "p/m: too large"),
    ],
)
def test_bad_answers(events: list[Any], kind: str, says: str) -> None:
    _, error = run(*events)
    assert isinstance(error, ProviderError)
    assert error.kind == kind
    assert says in error.message


def test_errors_of_providers_keep_their_kind() -> None:
    error = ProviderError("slow", kind="rate", retry_after=3)
    assert run(error) == ([], error)
    assert "incomplete" not in error.message
    _, error2 = run(TextDelta("a"), ProviderError("gone", kind="network"))
    assert isinstance(error2, ProviderError)
    assert error2.message == str(error2) == "gone; the answer is incomplete"
    refused = CredentialsError("no")
    assert run(refused) == ([], refused)


def test_endless_answers_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_CHARACTERS", 100)
    events, error = run(*[TextDelta("x" * 30)] * 10)
    assert len(events) == 3
    assert isinstance(error, ProviderError)
    assert "does not end" in error.message


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["a\ud83d", "\ude00b"], "a😀b"),
        (["\ud83d", "", "\ude00"], "😀"),
        (["a\ud83d", "b"], "a\ufffdb"),
        (["\ude00\ud83d"], "\ufffd\ufffd"),
        (["\ud83d"], "\ufffd"),
    ],
)
def test_halves_of_characters(pieces: list[str], text: str) -> None:
    events, error = run(*map(TextDelta, pieces), Finish("stop"))
    assert error is None
    assert "".join(event.text for event in events[:-1]) == text
    clean(text).encode("utf-8")


def test_closing_closes_the_provider() -> None:
    closed: list[int] = []

    def provider() -> Iterator[Any]:
        try:
            while True:
                yield TextDelta("x")
        finally:
            closed.append(1)

    events = guarded(provider(), "p/m", Progress())
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert closed == [1]
