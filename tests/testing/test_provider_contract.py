"""`check_provider` bites: one wrong provider for each promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import pytest

from opsvi_cli.sdk import Finish, ModelInfo, ProviderError, ReasoningDelta, TextDelta, ToolCall, Usage
from opsvi_cli.testing import FakeProvider, check_provider

END = Finish("stop", Usage(1, 1))
HELLO = TextDelta("Hello")


def answers(*events: Any) -> Callable[[Any, Any], Iterator[Any]]:
    return lambda _self, _request: (event for event in events)


def failing(error: BaseException) -> Callable[[Any, Any], Iterator[Any]]:
    def stream(_self: Any, _request: Any) -> Iterator[Any]:
        yield HELLO
        raise error

    return stream


def clears(_self: Any, request: Any) -> Iterator[Any]:
    request.messages.clear()
    yield from (HELLO, END)


def only_streams(_self: Any, request: Any) -> Iterator[Any]:
    if not request.stream:
        raise KeyError("stream")
    yield from (HELLO, END)


def no_tools(_self: Any, request: Any) -> Iterator[Any]:
    yield from (HELLO, END) if not request.tools else (END,)


def no_schema(_self: Any, request: Any) -> Iterator[Any]:
    yield from (HELLO, END) if not request.schema else (HELLO,)


def odd_name(_self: Any, request: Any) -> Iterator[Any]:
    if request.model != "fake":
        raise KeyError(request.model)
    yield from (HELLO, END)


def long_refusal(_self: Any, request: Any) -> Iterator[Any]:
    if request.model != "fake":
        raise ProviderError("two\nlines", kind="not-found")
    yield from (HELLO, END)


def half_name(_self: Any, request: Any) -> Iterator[Any]:
    yield from (HELLO, END) if request.model == "fake" else (HELLO,)


class Stubborn:
    """An iterator that is closed and goes on."""

    def __init__(self, events: list[Any]) -> None:
        self.events = events

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        if not self.events:
            raise StopIteration
        return self.events.pop(0)

    def close(self) -> None:
        pass


class Unclosable(Stubborn):
    def close(self) -> None:
        raise RuntimeError("busy")


class Once:
    """Works until an answer was closed."""

    def __init__(self) -> None:
        self.closed = False

    def __get__(self, instance: Any, _owner: Any) -> Any:
        def stream(_request: Any) -> Iterator[Any]:
            if self.closed:
                raise RuntimeError("still busy")
            try:
                yield HELLO
                yield END
            except GeneratorExit:
                self.closed = True
                raise

        return stream


STREAMS: dict[str, tuple[Any, str]] = {
    "no end": (answers(HELLO), "an answer must have exactly one Finish; it has 0"),
    "two ends": (answers(HELLO, END, END), "an answer must have exactly one Finish; it has 2"),
    "an event after the end": (answers(HELLO, END, HELLO), "Finish must be the last event; [TextDelta(text='Hello')]"),
    "for ever": (lambda *_: (event for event in repeat(HELLO)), "an answer must end; 100000 events came"),
    "strange events": (answers("Hello", END), "an answer is made of TextDelta, ReasoningDelta and Finish; ['Hello']"),
    "text that is none": (answers(ReasoningDelta(b"x"), HELLO, END), "the text of an event must be a str"),  # type: ignore[arg-type]
    "empty": (answers(END), "an answer must have text or a tool call"),
    "a strange reason": (answers(HELLO, Finish("done", Usage(1, 1))), "the reason of Finish must be one of stop"),  # type: ignore[arg-type]
    "no usage": (answers(HELLO, Finish("stop", None)), "the usage of Finish must be Usage; it is None"),  # type: ignore[arg-type]
    "not counted": (answers(HELLO, Finish("stop")), "with the capability `usage` must count tokens"),
    "half a token": (answers(HELLO, Finish("stop", Usage(1.5, 1))), "tokens must be counted in whole numbers"),  # type: ignore[arg-type]
    "below zero": (answers(HELLO, Finish("stop", Usage(-1, 1))), "tokens must be counted in whole numbers"),
    "a nameless call": (
        answers(Finish("tool_calls", Usage(1, 1), (ToolCall("c1", "", "{}"),))),
        "a tool call must have an id, a name and its arguments as text",
    ),
    "parsed arguments": (
        answers(Finish("tool_calls", Usage(1, 1), (ToolCall("c1", "x", {}),))),  # type: ignore[arg-type]
        "a tool call must have an id, a name and its arguments as text",
    ),
    "raises": (failing(ValueError("oh")), "a request must work; it raised ValueError: oh"),
    "ends the program": (failing(SystemExit(1)), "a request must not end the program"),
    "changes messages": (clears, "the messages of a request must be left as they are; expected"),
    "only streams": (only_streams, "a request with stream=False must work; it raised KeyError"),
    "no tools": (no_tools, "an answer must have text or a tool call"),
    "no schema": (no_schema, "an answer must have exactly one Finish; it has 0"),
    "a list": (lambda *_: [HELLO, END], "`stream` must give an iterator that can be closed; it gave ["),
    "goes on": (lambda *_: Stubborn([HELLO, HELLO, END]), "a closed answer must give nothing more; it gave [TextDelta"),
    "cannot be closed": (lambda *_: Unclosable([HELLO, END]), "closing an answer after its first event must work"),
    "closed once": (Once(), "a request after one that was cancelled must work; it raised RuntimeError: still busy"),
    "an unknown error": (odd_name, "must be refused with ProviderError or CredentialsError; it raised KeyError"),
    "half an answer": (half_name, "must be refused with ProviderError or CredentialsError; it gave [TextDelta"),
    "an error of two lines": (long_refusal, "an error must say in one line what failed; it says 'two\\nlines'"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_wrong_streams(name: str, broken: Callable[..., Any]) -> None:
    stream, words = STREAMS[name]
    found = broken(check_provider, type("Wrong", (FakeProvider,), {"stream": stream})(), model="fake")
    assert any(words in sentence for sentence in found), found


def _of(name: str, value: Any) -> Any:
    return type("Wrong", (FakeProvider,), {name: lambda *_: value})()


def _raising(*_: Any) -> Any:
    raise OSError("no list")


OTHERS: dict[str, tuple[Any, str]] = {
    "a list of capabilities": (_of("capabilities", ["stream"]), "`capabilities` must give a frozenset; it gave"),
    "an unknown capability": (_of("capabilities", frozenset({"fly"})), "`capabilities` must be of files, images"),
    "names of models": (_of("models", ["fake"]), "`models` must give a list of ModelInfo; it gave ['fake']"),
    "an empty id": (_of("models", [ModelInfo("", "fake")]), "every model must have an id; the ids are ['']"),
    "the same id": (_of("models", [ModelInfo("a", "f")] * 2), "an id of its own; a is there twice"),
    "no provider": (_of("models", [ModelInfo("a", "")]), "every model must name its provider"),
    "what it cannot be": (_of("models", [ModelInfo("a", "f", frozenset({"fly"}))]), "the capabilities of a model"),
    "no window": (_of("models", [ModelInfo("a", "f", context_window=0)]), "`context_window` must be None or a number"),
    "an unknown error": (type("W", (FakeProvider,), {"models": _raising})(), "`models` must work; it raised OSError"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_wrong_capabilities_and_models(name: str, broken: Callable[..., Any]) -> None:
    provider, words = OTHERS[name]
    found = broken(check_provider, provider, model="fake")
    assert any(words in sentence for sentence in found), found


def test_what_a_provider_may_do() -> None:
    """No list of models, an unknown name answered, no count of tokens when it promises none."""

    class Plain(FakeProvider):
        def capabilities(self, model: str) -> frozenset[str]:
            return frozenset()

        def models(self) -> Any:
            raise ProviderError("no list here", kind="not-found")

        def stream(self, request: Any) -> Iterator[Any]:
            if request.model != "fake":
                raise ProviderError("no such model", kind="not-found", hint="another")
            yield from (TextDelta("hi"), Finish("stop"))

    check_provider(Plain(), model="fake")
