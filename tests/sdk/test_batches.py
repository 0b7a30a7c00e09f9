"""Answers of a batch job: each stands for itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from opsvi_cli.sdk import BatchResult, Finish, ReasoningDelta, Server, StreamEvent, TextDelta, Usage, batch_result


def test_an_answer_is_its_text() -> None:
    events = [ReasoningDelta("Hm."), TextDelta("a"), TextDelta("b"), Finish("stop", Usage(1, 2))]
    assert batch_result("x", events) == BatchResult("x", "ab", Usage(1, 2))


@pytest.mark.parametrize(
    ("reason", "text", "says"),
    [
        ("length", "half", "incomplete"),
        ("filter", "half", "filter"),
        ("refusal", "No.", "refused"),
        ("stop", " ", "empty"),
    ],
)
def test_what_is_no_whole_answer_is_an_error(reason: Any, text: str, says: str) -> None:
    result = batch_result("x", [TextDelta(text), Finish(reason)])
    assert result.text == text
    assert says in result.error


def test_an_answer_that_cannot_be_read_is_an_error_of_its_own() -> None:
    def broken() -> Iterator[StreamEvent]:
        yield TextDelta("half")
        raise Server("some", "m", "http://x").broke_off("it gave up")

    result = batch_result("x", broken())
    assert (result.id, result.text) == ("x", "")
    assert "it gave up" in result.error
