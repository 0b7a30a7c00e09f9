"""How an answer may end, through every command that shows one: said on stderr, an exit code, the text kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

ENV = {
    "OPENAI_API_KEY": "sk-ends-0123456789abcdef",
    "OPSVI_RESILIENCE__RETRIES": "0",
    "OPSVI_RESILIENCE__BREAKER_FAILURES": "0",
}
ENDINGS = {
    "length": ("Half an answer", "the model reached its limit of tokens"),
    "content-filter": ("Half an answer", "the server's content filter stopped the answer"),
    "refusal": ("I will not.", "the model refused to answer"),
    "null-content": ("", "the answer is empty"),
    "reasoning-only": ("", "the answer is empty"),
    "white-space": ("", "the answer is empty"),
    "eof-no-done": ("Hello from", "the answer ends in the middle"),
    "tool-call": ("", "calls a tool that it was not given"),
}

WHOLE = ("length", "content-filter", "null-content")


@pytest.fixture
def run(opsvi: Callable[..., Any], fault_server: Any) -> Callable[..., Any]:
    def call(command: str, fault: str, *args: str) -> Any:
        where = ("-m", "m", "--base-url", fault_server.url(fault))
        if command == "chat":
            return opsvi("chat", *where, *args, stdin="hi\n", env=ENV)
        return opsvi(command, "hi", *where, *args, env=ENV)

    return call


@pytest.mark.parametrize(
    ("fault", "flag"),
    [*((fault, "--stream") for fault in ENDINGS), *((fault, "--no-stream") for fault in WHOLE)],
)
@pytest.mark.parametrize("command", ["prompt", "query", "chat"])
def test_a_bad_end(command: str, fault: str, flag: str, run: Callable[..., Any]) -> None:
    text, says = ENDINGS[fault]
    done = run(command, fault, flag)
    assert done.code == 1, done.err
    assert done.out.strip() == text
    assert says in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["prompt", "query"])
def test_for_programs_stdout_stays_empty(command: str, run: Callable[..., Any]) -> None:
    done = run(command, "length", "--json")
    assert (done.code, done.out) == (1, "")
    assert json.loads(done.err.splitlines()[-1])["error"]["kind"] == "context"


@pytest.mark.parametrize("command", ["prompt", "query", "chat"])
def test_a_cut_that_was_asked_for_is_said_and_no_failure(command: str, run: Callable[..., Any]) -> None:
    done = run(command, "length", "--max-tokens", "3")
    assert done.code == 0, done.err
    assert "Half an answer" in done.out
    assert "cut" in done.err
