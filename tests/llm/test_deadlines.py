"""How long anything may take: each limit ends the call, and says which one it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

FAST = {
    "OPENAI_API_KEY": "sk-times-0123456789abcdef",
    "OPSVI_RESILIENCE__RETRIES": "0",
    "OPSVI_RESILIENCE__BREAKER_FAILURES": "0",
}


@pytest.fixture
def ask(opsvi: Callable[..., Any], fault_server: Any) -> Callable[..., Any]:
    def call(fault: str, *args: str, **env: str) -> Any:
        url = fault_server.url(fault)
        return opsvi("prompt", "hi", "-m", "openai/m", "--base-url", url, *args, env={**FAST, **env})

    return call


@pytest.mark.parametrize("fault", ["slow-first-byte", "slow-first-event", "drip-headers"])
def test_until_the_answer_begins(fault: str, ask: Callable[..., Any]) -> None:
    done = ask(fault, OPSVI_HTTP__FIRST_BYTE_TIMEOUT="0.3")
    assert done.code == 124
    assert "no answer within 0.3 s (http.first_byte_timeout)" in done.err
    assert "allow more with http.first_byte_timeout or providers.openai.timeout" in done.err


def test_between_two_pieces(ask: Callable[..., Any]) -> None:
    done = ask("stall-mid-stream", OPSVI_HTTP__READ_TIMEOUT="0.3")
    assert (done.code, done.out) == (124, "Hello from\n")
    assert "the answer stopped: nothing came for 0.3 s (http.read_timeout); the answer is incomplete" in done.err


def test_a_slow_beginning_is_not_held_to_the_time_between_pieces(ask: Callable[..., Any]) -> None:
    """The first byte of `late` comes after the idle time is long over."""
    done = ask("late", OPSVI_HTTP__READ_TIMEOUT="0.1", OPSVI_HTTP__FIRST_BYTE_TIMEOUT="30")
    assert (done.code, done.out) == (0, "Hello from the server.\n")


def test_the_timeout_of_a_provider_stands_for_both(ask: Callable[..., Any]) -> None:
    own = {"OPSVI_PROVIDERS__OPENAI__TIMEOUT": "0.3"}
    first, later = ask("slow-first-byte", **own), ask("stall-mid-stream", **own)
    assert first.code == later.code == 124
    assert ": no answer within 0.3 s\n" in first.err
    assert "nothing came for 0.3 s; the answer" in later.err
    assert "allow more with providers.openai.timeout" in first.err


@pytest.mark.parametrize("fault", ["drip", "drip-body", "only-comments", "drip-headers", "429-forever", "500-forever"])
def test_the_whole_answer_retries_included(fault: str, ask: Callable[..., Any], fault_server: Any) -> None:
    limits = {"OPSVI_RESILIENCE__TOTAL_TIMEOUT": "0.7", "OPSVI_RESILIENCE__RETRIES": "1000"}
    done = ask(fault, **limits)
    if fault in ("429-forever", "500-forever"):  # a try that would begin too late is not made
        assert done.code in (1, 124)
        assert fault_server.count(fault) < 8
    else:
        assert done.code == 124
        assert "no complete answer within 0.7 s (resilience.total_timeout)" in done.err
        assert fault_server.count(fault) == 1


def test_another_model_has_its_own_time(ask: Callable[..., Any]) -> None:
    done = ask("drip-body", OPSVI_RESILIENCE__TOTAL_TIMEOUT="0.5", OPSVI_RESILIENCE__FALLBACK='["echo"]')
    assert (done.code, done.out) == (0, "hi\n")
    assert "openai/m cannot answer, echo is asked instead: " in done.err


def test_a_long_wait_is_said_and_not_slept(ask: Callable[..., Any], fault_server: Any) -> None:
    done = ask("429-retry-after-long", OPSVI_RESILIENCE__RETRIES="5")
    assert done.code == 1
    assert "too many requests, asks to wait 60 min (429)" in done.err
    assert "hint: try again in 60 min" in done.err
    assert fault_server.count("429-retry-after-long") == 1


def test_no_connection() -> None:
    """An address that swallows packets: the connection is given up, not the first byte."""
    from opsvi_cli.foundation.network import Wait

    wait = Wait(10, "http.connect_timeout")
    assert wait.over("no connection within", None) == "no connection within 10 s (http.connect_timeout)"
    assert wait.over("no connection within", 2) == "no connection within 2 s"
