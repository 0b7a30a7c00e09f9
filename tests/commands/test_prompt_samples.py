"""`opsvi prompt -n --jobs`: several answers asked at the same time, shown in order."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from servers.openai_spec import DOCUMENT, answer
from servers.scripted_model import scripted

from opsvi_cli.testing import SpecServer

Run = Callable[..., Any]
CHAT = "POST /chat/completions"


@pytest.fixture
def in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that get ready in the opposite order, and answers that say which was the first."""

    def reversed_(_app: Any, work: Callable[[int], Any], items: range, _jobs: int) -> Iterator[Any]:
        return (work(number) for number in reversed(items))

    monkeypatch.setattr("opsvi_cli.llm.samples.in_threads", reversed_)


def test_they_are_asked_at_the_same_time(opsvi: Run) -> None:
    together = threading.Barrier(3, timeout=60)

    def reply(_request: Any) -> Mapping[str, Any]:
        together.wait()  # no answer before there are three questions
        return answer("fine")

    with SpecServer(DOCUMENT, {CHAT: reply}, credentials=["host"]) as server:
        args = ("prompt", "x", "-n", 3, "--jobs", 3, "-m", "m", "--base-url", server.url, "--no-stream")
        assert opsvi(*args).out == "fine\n\nfine\n\nfine\n"
        assert [row["answer"] for row in opsvi(*args, "--jsonl").jsonl] == ["fine"] * 3


@pytest.mark.usefixtures("in_turn")
def test_they_are_shown_in_order_with_their_failures(opsvi: Run) -> None:
    with scripted('{"a": 3}', "wrong", '{"a": 1}') as server:
        args = ("prompt", "x", "-m", "m", "--base-url", server.url, "--schema", "a int", "--no-stream")
        done = opsvi(*args, "-n", 3, "--jobs", 2, "--schema-retries", 0, "--json")
    assert done.code == 3
    assert [row["answer"] for row in done.json] == [{"a": 1}, None, {"a": 3}]


def test_tools_are_called_one_after_the_other(opsvi: Run) -> None:
    done = opsvi("prompt", "x", "-m", "echo/call", "-n", 2, "--jobs", 2, "--tool", "calculator")
    assert (done.code, "--jobs" in done.err) == (2, True)


def test_what_was_answered_before_ctrl_c_is_shown(opsvi: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from opsvi_cli.llm import samples

    asked: list[int] = []
    ask = samples.run

    def stopped(*args: Any) -> Any:
        asked.append(1)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return ask(*args)

    monkeypatch.setattr(samples, "run", stopped)
    done = opsvi("prompt", "x", "-m", "echo", "-n", 5, "--json")
    assert done.code == 130
    assert [row["answer"] for row in json.loads(done.out)] == ["x", "x"]
