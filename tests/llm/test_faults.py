"""Every way a model's server can fail, through `opsvi prompt`: a clear line, the right exit code, no silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from servers.fault_server import FAULTS

KEY = "sk-fault-0123456789abcdef"
FAST = {
    "OPENAI_API_KEY": KEY,
    "OPSVI_PROVIDERS__OPENAI__API_KEY": "env:OPENAI_API_KEY",
    "OPSVI_HTTP__FIRST_BYTE_TIMEOUT": "0.6",
    "OPSVI_HTTP__READ_TIMEOUT": "0.6",
    "OPSVI_RESILIENCE__RETRIES": "1",
    "OPSVI_RESILIENCE__BREAKER_FAILURES": "0",
}


@dataclass(frozen=True)
class Case:
    """What a fault must end in. `stdout` is what is left of the answer, `says` stands in the message."""

    fault: str
    code: int
    kind: str
    says: str
    requests: int = 1
    stdout: str = ""


HALF, TWO = "Half an answer\n", "Hello from\n"
STREAM_CASES = (
    Case("empty-stream", 1, "bad-response", "the stream is empty (content type text/event-stream)"),
    Case("no-stream-at-all", 1, "bad-response", "the stream is empty"),
    Case("events-are-numbers", 1, "bad-response", "the stream is empty"),
    Case("choices-are-null", 1, "bad-response", "the stream is empty"),
    Case("delta-is-missing", 1, "bad-response", "the answer is empty"),
    Case("delta-is-a-list", 1, "bad-response", "the answer cannot be read"),
    Case("content-is-a-number", 1, "bad-response", "the answer is empty"),
    Case("reasoning-only", 1, "bad-response", "the answer is empty"),
    Case("white-space", 1, "bad-response", "the answer is empty", stdout=" \n"),
    Case("slow-first-event", 124, "timeout", "no answer within 0.6 s (http.first_byte_timeout)", requests=2),
    Case(
        "stall-mid-stream",
        124,
        "timeout",
        "nothing came for 0.6 s (http.read_timeout); the answer is incomplete",
        1,
        TWO,
    ),
    Case("cut-mid-stream", 1, "network", "the connection broke", stdout=TWO),
    Case("close-mid-chunk", 1, "network", "the connection broke", stdout=TWO),
    Case("bad-chunk", 1, "network", "illegal chunk header", requests=2),
    Case("eof-no-done", 1, "network", "ends in the middle", stdout=TWO),
    Case("finish-in-no-chunk", 1, "network", "ends in the middle", stdout=TWO),
    Case("error-event", 1, "server", "the engine fell over", stdout=TWO),
    Case("error-event-rate", 1, "rate", "too many requests (429): slow down", requests=2),
    Case("error-event-context", 1, "context", "the text is too long for this model"),
    Case("finish-error", 1, "server", "it ended the answer with 'error'; the answer is incomplete", stdout=HALF),
    Case("finish-no-resource", 1, "server", "'insufficient_system_resource'; the answer is incomplete", stdout=HALF),
    Case("finish-model-length", 1, "context", "reached its limit of tokens", stdout=HALF),
    Case("malformed-sse", 1, "bad-response", "the answer cannot be read", stdout=TWO),
    Case("huge-line", 1, "bad-response", "sends more than 16000000 bytes"),
    Case("refusal", 1, "refused", "the model refused", stdout="I will not.\n"),
    Case("tool-call", 1, "bad-response", "calls a tool that it was not given: clock"),
    Case("tool-bad-json", 1, "bad-response", "calls a tool that it was not given: clock"),
    Case("tool-not-object", 1, "bad-response", "calls a tool that it was not given: clock"),
    Case("tool-unknown", 1, "bad-response", "calls a tool that it was not given: rocket"),
    Case("tool-no-id", 1, "bad-response", "calls a tool that it was not given: clock"),
)
CASES = (
    Case("429-forever", 1, "rate", "too many requests", requests=2),
    Case("429-retry-after-long", 1, "rate", "asks to wait 60 min"),
    Case("429-date-long", 1, "rate", "asks to wait"),
    Case("429-retry-after-nonsense", 1, "rate", "too many requests", requests=2),
    Case("429-quota", 1, "quota", "quota is used up"),
    Case("402", 1, "quota", "quota is used up"),
    Case("500-forever", 1, "server", "the server failed (500): oops", requests=2),
    Case("503-retry-after-long", 1, "server", "the server failed, asks to wait 60 min (503)"),
    Case("503-html", 1, "server", "the server failed (503)", requests=2),
    Case("404-html", 1, "not-found", "not found (404)"),
    Case("401-html", 4, "auth", "the key was refused (401)"),
    Case("401-echoes-key", 4, "auth", "the key was refused (401)"),
    Case("403", 4, "auth", "the key was refused (403): not for you"),
    Case("408", 124, "timeout", "the server gave up waiting", requests=2),
    Case("404-model", 1, "not-found", "not found (404): The model `m` does not exist"),
    Case("context-length", 1, "context", "too long for this model"),
    Case("400-param", 1, "refused", "temperature is too high"),
    Case("400-filter", 1, "refused", "content filter refused the request"),
    Case("slow-first-byte", 124, "timeout", "no answer within 0.6 s (http.first_byte_timeout)", requests=2),
    Case("drip-headers", 124, "timeout", "no answer within 0.6 s (http.first_byte_timeout)", requests=2),
    Case("close-at-once", 1, "network", "the connection broke: Server disconnected", requests=2),
    Case("reset-at-once", 1, "network", "the connection broke", requests=2),
    Case("not-http", 1, "network", "illegal status line", requests=2),
    Case("gzip-garbage", 1, "bad-response", "the compressed answer is damaged"),
    Case("unknown-encoding", 1, "bad-response", "an encoding that was not asked for: br"),
    Case("truncated-body", 1, "network", "the connection broke", requests=2),
    Case("truncated-json", 1, "bad-response", "the answer cannot be read"),
    Case("huge-body", 1, "bad-response", "sends more than 16000000 bytes"),
    Case("deep-json", 1, "bad-response", "the answer cannot be read"),
    Case("html-200", 1, "bad-response", "(content type text/html; charset=utf-8)"),
    Case("text-200", 1, "bad-response", "(content type text/plain)"),
    Case("empty-200", 1, "bad-response", "the answer cannot be read"),
    Case("no-content-type", 1, "bad-response", ""),
    Case("204", 1, "bad-response", "the answer cannot be read"),
    Case("json-array", 1, "bad-response", "holds no choice"),
    Case("json-null", 1, "bad-response", "holds no choice"),
    Case("json-number", 1, "bad-response", "holds no choice"),
    Case("error-200", 1, "server", "the engine fell over", requests=2),
    Case("error-200-quota", 1, "quota", "quota is used up (402): no credits left"),
    Case("missing-fields", 1, "bad-response", "holds no choice"),
    Case("empty-choices", 1, "bad-response", "holds no choice"),
    Case("null-content", 1, "bad-response", "the answer is empty"),
    Case("content-is-a-list", 1, "bad-response", "the answer is empty"),
    Case("message-is-text", 1, "bad-response", "holds no message"),
    Case("finish-is-missing", 1, "bad-response", "does not say how it ended", stdout=HALF),
    Case("finish-is-a-number", 1, "bad-response", "does not say how it ended", stdout=HALF),
    Case("content-filter", 1, "refused", "content filter stopped the answer", stdout=HALF),
    Case("length", 1, "context", "limit of tokens", stdout=HALF),
    Case("invalid-utf8", 1, "bad-response", "the answer cannot be read", stdout="Hello\n"),
    Case("redirect-other-host", 1, "bad-response", "not followed"),
    Case("redirect-loop", 1, "bad-response", "redirects too often", requests=6),
)
GOOD = {
    "ok": "Hello from the server.",
    "ok-json": '{"city": "Ulm", "people": 126}',
    "ok-fenced-json": '```json\n{"city": "Ulm", "people": 126}\n```',
    "rich-markup": "[bold red]Hello[/] [link=file:///etc/passwd]x[/link] :smiley:",
    "lone-surrogate": "\U0001f600 and \ufffd",
    "sse-split-bytes": "Gr\u00fc\u00dfe \U0001f600",
    "strange-usage": "Hello",
    "azure-remarks": "Hello",
    **dict.fromkeys(
        (
            "sse-comments", "sse-crlf", "sse-no-space", "sse-fields", "no-usage", "no-done", "extra-fields",
            "two-choices", "reasoning", "stream-ignored",
        ),
        "Hello from the server.",
    ),
}  # fmt: skip
AGAIN = ("429-then-ok", "429-ms-then-ok", "429-date-then-ok", "500-then-ok", "cut-then-ok", "no-stream-options")
ENDLESS = ("drip", "drip-headers", "drip-body", "only-comments", "slow-first-byte", "stall-mid-stream")


def test_every_fault_has_a_case() -> None:
    covered = {case.fault for case in (*CASES, *STREAM_CASES)} | {
        *GOOD,
        *AGAIN,
        *ENDLESS,
        "terminal-escapes",
        "late",
        "429-wait",
    }
    assert {name for name in FAULTS if not name.startswith("embeddings-")} == covered


@pytest.mark.parametrize("case", [*CASES, *STREAM_CASES], ids=lambda case: case.fault)
def test_fault(case: Case, opsvi: Callable[..., Any], fault_server: Any) -> None:
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url(case.fault), env=FAST)
    assert done.code == case.code, done.err
    assert done.out == case.stdout
    assert case.says in done.err
    lines = done.err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["opsvi", "hint"], lines
    assert "openai/m" in lines[0]
    assert fault_server.url(case.fault) in lines[0]
    assert len(lines[1]) > len("hint: ")
    assert KEY not in done.out + done.err
    assert "\x1b" not in done.err
    assert fault_server.count(case.fault) == case.requests


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_fault_as_json(case: Case, opsvi: Callable[..., Any], fault_server: Any) -> None:
    """Without streaming and for programs: nothing on stdout, an error object on stderr."""
    url = fault_server.url(case.fault)
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", url, "--no-stream", "--json", env=FAST)
    assert done.code == case.code, done.err
    assert done.out == ""
    error = json.loads(done.err)["error"]
    assert error["code"] == ("credentials" if case.code == 4 else "provider")
    assert (error["kind"], error["provider"], error["model"], error["url"]) == (case.kind, "openai", "m", url)
    assert error["hint"]
    assert KEY not in done.err


@pytest.mark.parametrize("fault", GOOD)
def test_what_is_strange_but_whole_is_understood(fault: str, opsvi: Callable[..., Any], fault_server: Any) -> None:
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url(fault), env=FAST)
    assert (done.code, done.out, done.err) == (0, GOOD[fault] + "\n", "")


@pytest.mark.parametrize("fault", AGAIN)
def test_what_passes_is_tried_again(fault: str, opsvi: Callable[..., Any], fault_server: Any) -> None:
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url(fault), env=FAST)
    assert (done.code, done.out, done.err) == (0, "Hello from the server.\n", "")
    assert fault_server.count(fault) == 2


@pytest.mark.parametrize("fault", ENDLESS)
def test_the_deadline_of_the_run_ends_every_wait(fault: str, opsvi: Callable[..., Any], fault_server: Any) -> None:
    """Also when the server keeps a trickle going, which no idle time limit notices."""
    env = {**FAST, "OPSVI_HTTP__READ_TIMEOUT": "60", "OPSVI_HTTP__FIRST_BYTE_TIMEOUT": "60"}
    done = opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url(fault), "--timeout", "700ms", env=env)
    assert done.code == 124
    assert "gave up after 0.7 s" in done.err
    assert fault_server.count(fault) == 1
    if fault in ("stall-mid-stream", "drip"):
        assert done.out


def test_nothing_of_the_prompt_reaches_another_server(opsvi: Callable[..., Any], fault_server: Any) -> None:
    opsvi("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url("redirect-other-host"), env=FAST)
    assert fault_server.count("ok") == 0


def test_escapes_reach_a_pipe_but_no_terminal(opsvi: Callable[..., Any], fault_server: Any, on_terminal: Any) -> None:
    args = ("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url("terminal-escapes"))
    assert "\x1b]52;c;ZXZpbA==\x07" in opsvi(*args, env=FAST).out
    code, out, _ = on_terminal(*args, "--plain", env=FAST)
    assert code == 0
    assert out.startswith("safe text more red ")
    assert not [c for c in out.rstrip("\n") if not c.isprintable()]
    _, rendered, _ = on_terminal(*args, env=FAST)
    assert "\x1b]" not in rendered
    assert "\x07" not in rendered
