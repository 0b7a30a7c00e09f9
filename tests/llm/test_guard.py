"""The guard: what a provider may give, and what it may not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import CredentialsError, NetworkError, OpsviError, ProviderError
from opsvi_cli.llm import guard
from opsvi_cli.llm.boundary import ask_provider
from opsvi_cli.llm.guard import clean
from opsvi_cli.llm.layers import Call, through
from opsvi_cli.llm.models import ModelChoice
from opsvi_cli.sdk import (
    Finish,
    ModelInfo,
    ModelRequest,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolSpec,
    Usage,
)

pytestmark = pytest.mark.usefixtures("home")
ASK = through((guard.guard,), ask_provider)


class Scripted:
    """Gives the events of a test; an exception among them is raised there."""

    def __init__(self, *events: Any) -> None:
        self._events = events
        self.closed = False

    def capabilities(self, model: str) -> frozenset[str]:
        return frozenset()

    def models(self) -> list[ModelInfo]:
        return []

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        try:
            for event in self._events:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.closed = True


class Bare(Exception):
    """What SDKs raise for a status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status_code = status


def asked(provider: Scripted, **request: Any) -> Iterator[StreamEvent]:
    return ASK(Call(AppContext(), ModelChoice("p", "m"), provider, ModelRequest("m", [], **request), "p"))


def run(*events: Any, **request: Any) -> tuple[list[Any], OpsviError | None]:
    """Events that came through, and the error that ended them."""
    seen: list[Any] = []
    try:
        for event in asked(Scripted(*events), **request):
            seen.append(event)
    except OpsviError as error:
        return seen, error
    return seen, None


def test_a_good_answer_passes() -> None:
    events = [ReasoningDelta("hm"), TextDelta("a"), TextDelta("b"), Finish("stop")]
    assert run(*events) == (events, None)
    call = Finish("tool_calls", tool_calls=(ToolCall("1", "clock", "{}"),))
    assert run(call, tools=[ToolSpec("clock", "", {})]) == ([call], None)
    assert run(TextDelta("a"), Finish("length"), max_tokens=1) == ([TextDelta("a"), Finish("length")], None)


@pytest.mark.parametrize(
    ("events", "kind", "says"),
    [
        ([], "bad-response", "p/m: the answer is empty"),
        ([Finish("stop")], "bad-response", "p/m: the answer is empty"),
        ([TextDelta(""), Finish("stop")], "bad-response", "p/m: the answer is empty"),
        ([ReasoningDelta("hm"), Finish("stop")], "bad-response", "p/m: the answer is empty"),
        ([TextDelta(" \n"), Finish("stop")], "bad-response", "p/m: the answer is empty"),
        ([TextDelta("a"), Finish("length")], "context", "p/m: the answer is incomplete: the model reached its limit"),
        (
            [Finish("tool_calls", tool_calls=(ToolCall("1", "fly\x1b[1m", "{}"),))],
            "bad-response",
            "p/m: the model calls a tool that it was not given: fly",
        ),
        ([Finish("length")], "bad-response", "p/m: the limit of tokens"),
        ([TextDelta("a")], "bad-response", "p/m: the answer ends in the middle"),
        ([TextDelta("a"), "b"], "bad-response", "p/m: the provider gave str"),
        ([TextDelta("a"), Finish("filter")], "refused", "content filter"),
        ([TextDelta("a"), Finish("refusal")], "refused", "refused to answer"),
        ([KeyError("choices")], "bad-response", "p/m: the provider failed with KeyError"),
        ([TextDelta("a"), ValueError("x")], "bad-response", "ValueError: x; the answer is incomplete"),
        ([TextDelta(None)], "bad-response", "gave TextDelta, which is no event of an answer"),  # type: ignore[arg-type]
        ([TextDelta("a"), Finish("because")], "bad-response", "a reason that nobody knows: because"),  # type: ignore[arg-type]
        ([Finish("tool_calls", tool_calls=({"name": "a"},))], "bad-response", "cannot be read"),  # type: ignore[arg-type]
        ([NetworkError("too large")], "bad-response", "p/m: too large"),
        ([TimeoutError("slow")], "timeout", "p/m: no answer in time"),
        ([ConnectionResetError(104, "reset")], "network", "p/m: the connection broke: [Errno 104] reset"),
        ([Bare(429, "slow down")], "rate", "p/m: too many requests (429): slow down"),
        ([TextDelta("a"), Bare(500, "oops")], "server", "p/m: the server failed (500): oops; the answer is incomplete"),
    ],
)
def test_bad_answers(events: list[Any], kind: str, says: str) -> None:
    _, error = run(*events)
    assert isinstance(error, ProviderError)
    assert error.kind == kind
    assert says in error.message
    assert error.hint
    assert (error.details["kind"], error.details["provider"], error.details["model"]) == (kind, "p", "m")


def test_errors_of_providers_keep_their_kind_and_are_completed() -> None:
    error = ProviderError("slow", kind="rate", retry_after=3)
    assert run(error) == ([], error)
    assert error.message == str(error) == "p/m: slow"
    assert error.hint
    _, error2 = run(TextDelta("a"), ProviderError("p/m: gone", kind="network", hint="h"))
    assert isinstance(error2, ProviderError)
    assert (error2.message, error2.hint) == ("p/m: gone; the answer is incomplete", "h")
    refused = CredentialsError("no")
    assert run(refused) == ([], refused)
    assert (refused.message, refused.details["kind"]) == ("p/m: no", "auth")
    assert "opsvi secrets set p" in refused.hint


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
    provider = Scripted(*[TextDelta("x")] * 3)
    events = asked(provider)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert provider.closed


def test_counts_that_are_none_are_left_out() -> None:
    for usage in (Usage(-1, 5), Usage("7", 5), Usage(True, 5), {"input_tokens": 7}):  # type: ignore[arg-type]
        events, error = run(TextDelta("a"), Finish("stop", usage))  # type: ignore[arg-type]
        assert (events[-1], error) == (Finish("stop", Usage()), None)


def test_a_provider_that_cannot_be_closed_hides_nothing() -> None:
    class Stubborn(Scripted):
        def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
            try:
                yield TextDelta("a")
                yield Finish("stop")
            finally:
                raise ValueError("not now")

    assert list(asked(Stubborn())) == [TextDelta("a"), Finish("stop")]
    events = asked(Stubborn())
    next(events)
    events.close()  # type: ignore[attr-defined]


def test_a_provider_that_gives_nothing_to_iterate() -> None:
    class Nothing(Scripted):
        def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
            return None  # type: ignore[return-value]

    with pytest.raises(ProviderError, match="p/m: the provider failed with TypeError"):
        list(asked(Nothing()))


def test_the_provider_is_done_before_the_end_is_seen() -> None:
    provider = Scripted(TextDelta("x"), Finish("stop"), TextDelta("y"))
    for event in asked(provider):
        assert provider.closed == isinstance(event, Finish)
