"""Every way a model's server can fail, through `opsvi prompt`: a clear line, the right exit code, no silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

KEY = "sk-fault-0123456789abcdef"
FAST = {
    "OPENAI_API_KEY": KEY,
    "OPSVI_HTTP__READ_TIMEOUT": "0.6",
    "OPSVI_RESILIENCE__RETRIES": "1",
    "OPSVI_RESILIENCE__BREAKER_FAILURES": "0",
}


@dataclass(frozen=True)
class Case:
    """What a fault must end in. `stdout` is what is left of the answer, `says` stands in the message."""

    fault: str
    code: int
    says: str
    requests: int = 1
    stdout: str = ""


CASES = (
    Case("429-forever", 1, "too many requests", requests=2),
    Case("429-retry-after-long", 1, "asks to wait 60 min"),
    Case("429-quota", 1, "quota is used up"),
    Case("500-forever", 1, "the server failed (500): oops", requests=2),
    Case("503-html", 1, "the server failed (503)", requests=2),
    Case("slow-first-byte", 124, "no answer in time", requests=2),
    Case("stall-mid-stream", 124, "no answer in time; the answer is incomplete", stdout="Hello from\n"),
    Case("cut-mid-stream", 1, "the connection broke", stdout="Hello from\n"),
    Case("eof-no-done", 1, "ends in the middle", stdout="Hello from\n"),
    Case("error-event", 1, "the engine fell over", stdout="Hello from\n"),
    Case("malformed-sse", 1, "the answer cannot be read", stdout="Hello from\n"),
    Case("html-200", 1, "(content type text/html; charset=utf-8)"),
    Case("json-array", 1, "holds no choice"),
    Case("json-null", 1, "holds no choice"),
    Case("missing-fields", 1, "holds no choice"),
    Case("empty-choices", 1, "holds no choice"),
    Case("null-content", 1, "the answer is empty"),
    Case("empty-stream", 1, "the stream is empty (content type text/event-stream)"),
    Case("no-stream-at-all", 1, "the stream is empty"),
    Case("401-echoes-key", 4, "the key was refused (401)"),
    Case("403", 4, "the key was refused (403): not for you"),
    Case("404-model", 1, "not found (404): The model `m` does not exist"),
    Case("context-length", 1, "too long for this model"),
    Case("400-param", 1, "temperature is too high"),
    Case("content-filter", 1, "content filter stopped the answer", stdout="Half an answer\n"),
    Case("length", 1, "limit of tokens", stdout="Half an answer\n"),
    Case("refusal", 1, "the model refused", stdout="I will not.\n"),
    Case("invalid-utf8", 1, "the answer cannot be read", stdout="Hello\n"),
    Case("huge-line", 1, "sends more than 16000000 bytes"),
    Case("redirect-other-host", 1, "not followed"),
)


STREAM_ONLY = (
    "empty-stream",
    "no-stream-at-all",
    "stall-mid-stream",
    "cut-mid-stream",
    "eof-no-done",
    "error-event",
    "malformed-sse",
    "refusal",
    "huge-line",
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_fault(case: Case, opsvi: Callable[..., Any], fault_server: Any) -> None:
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url(case.fault), env=FAST)
    assert done.code == case.code, done.err
    assert done.out == case.stdout
    assert case.says in done.err
    lines = done.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["opsvi", "hint"], lines
    assert f"openai/m at {fault_server.url(case.fault)}" in lines[0] or "openai/m" in lines[0]
    assert len(lines[1]) > len("hint: ")
    assert KEY not in done.out + done.err
    assert "\x1b" not in done.err
    assert fault_server.count(case.fault) == case.requests


@pytest.mark.parametrize("case", [c for c in CASES if c.fault not in STREAM_ONLY], ids=lambda case: case.fault)
def test_fault_as_json(case: Case, opsvi: Callable[..., Any], fault_server: Any) -> None:
    """Without streaming and for programs: nothing on stdout, an error object on stderr."""
    url = fault_server.url(case.fault)
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", url, "--no-stream", "--json", env=FAST)
    assert done.code == case.code, done.err
    assert done.out == ""
    error = json.loads(done.err)["error"]
    assert error["code"] == ("credentials" if case.code == 4 else "provider")
    assert error["hint"]
    assert KEY not in done.err


@pytest.mark.parametrize("fault", ["429-then-ok", "500-then-ok", "cut-then-ok"])
def test_what_passes_is_tried_again(fault: str, opsvi: Callable[..., Any], fault_server: Any) -> None:
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url(fault), env=FAST)
    assert (done.code, done.out, done.err) == (0, "Hello from the server.\n", "")
    assert fault_server.count(fault) == 2


@pytest.mark.parametrize("fault", ["slow-first-byte", "stall-mid-stream", "drip", "drip-headers"])
def test_the_deadline_of_the_run_ends_every_wait(fault: str, opsvi: Callable[..., Any], fault_server: Any) -> None:
    """Also when the server keeps a trickle going, which no idle time limit notices."""
    env = {**FAST, "OPSVI_HTTP__READ_TIMEOUT": "60"}
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url(fault), "--timeout", "700ms", env=env)
    assert done.code == 124
    assert "gave up after 0.7 s" in done.err
    assert fault_server.count(fault) == 1
    if fault in ("stall-mid-stream", "drip"):
        assert done.out


def test_a_server_that_ignores_streaming_is_understood(opsvi: Callable[..., Any], fault_server: Any) -> None:
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url("stream-ignored"), env=FAST)
    assert (done.code, done.out) == (0, "Hello from the server.\n")


def test_a_server_without_stream_options_is_asked_without_them(opsvi: Callable[..., Any], fault_server: Any) -> None:
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url("no-stream-options"), env=FAST)
    assert (done.code, done.out) == (0, "Hello from the server.\n")
    assert fault_server.count("no-stream-options") == 2


def test_halves_of_characters_are_joined_or_replaced(opsvi: Callable[..., Any], fault_server: Any) -> None:
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url("lone-surrogate"), env=FAST)
    assert (done.code, done.out) == (0, "😀 and �\n")


def test_nothing_of_the_prompt_reaches_another_server(opsvi: Callable[..., Any], fault_server: Any) -> None:
    opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url("redirect-other-host"), env=FAST)
    assert fault_server.count("ok") == 0


def test_escapes_reach_a_pipe_but_no_terminal(opsvi: Callable[..., Any], fault_server: Any, on_terminal: Any) -> None:
    args = ("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url("terminal-escapes"))
    assert "\x1b]52;c;ZXZpbA==\x07" in opsvi(*args, env=FAST).out
    code, out, _ = on_terminal(*args, env=FAST)
    assert code == 0
    assert out.startswith("safe text more red ")
    assert not [c for c in out.rstrip("\n") if not c.isprintable()]
