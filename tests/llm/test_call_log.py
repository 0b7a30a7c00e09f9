"""The log of calls: what is kept of a call, what is not, and that writing it never ends a command."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import NotFoundError, ProviderError, UsageError
from opsvi_cli.llm.call_log import CallLog, Filter, LoggedCall, opened
from opsvi_cli.llm.calls import ModelChoice, complete, stream_answer
from opsvi_cli.sdk import Attachment, Message, ToolCall, ToolSpec

KEY = "sk-log-0123456789abcdef"


@pytest.fixture
def app(home: Path, tmp_path: Path) -> Callable[..., AppContext]:
    def make(**env: str) -> AppContext:
        values = {**os.environ, "OPENAI_API_KEY": KEY, "OPSVI_RESILIENCE__RETRIES": "0", **env}
        return AppContext(
            out=io.StringIO(), err=io.StringIO(), stdin=None, env=values, command="query", cwd=str(tmp_path)
        )

    return make


def entries(app: AppContext) -> list[LoggedCall]:
    with opened(app) as log:
        return list(log.entries(Filter()))


def entry(number: int, time: str = "2026-01-01T00:00:00.000Z") -> LoggedCall:
    messages: list[dict[str, Any]] = [{"role": "user", "text": f"question {number}"}]
    return LoggedCall(
        f"{number:020x}", time, "prompt", "r", "echo", messages, "an answer", "", [], "ok", "stop", "", 1, 1, None,
        None, 0.0, False, 0.1,
    )  # fmt: skip


def test_what_is_kept(app: Callable[..., AppContext], fault_server: Any, home: Path) -> None:
    context = app()
    image = Attachment("plan.png", "image/png", b"\x89PNG secret pixels")
    messages = [Message("system", "Be short."), Message("user", f"my key is {KEY} \ud83d", attachments=(image,))]
    complete(context, ModelChoice("openai", "m", fault_server.url("ok")), messages)
    (call,) = entries(context)
    assert (call.command, call.run, call.model) == ("query", context.run, "openai/m")
    assert (call.answer, call.outcome, call.finish) == ("Hello from the server.", "ok", "stop")
    assert (call.input_tokens, call.output_tokens, call.cost) == (7, 5, 0)
    assert call.messages[1]["text"] == "my key is [redacted] ?"
    (attached,) = call.messages[1]["attachments"]  # type: ignore[misc, union-attr]
    assert isinstance(attached, dict)
    assert (attached["name"], attached["media_type"], attached["bytes"]) == ("plan.png", "image/png", 18)
    assert len(str(attached["sha256"])) == 64
    (path,) = home.rglob("calls.db")
    assert path.stat().st_mode & 0o777 == 0o600
    written = b"".join(file.read_bytes() for file in path.parent.glob("calls.db*"))
    assert KEY.encode() not in written
    assert b"secret pixels" not in written


def test_failures_and_cut_answers(app: Callable[..., AppContext], fault_server: Any) -> None:
    context = app()
    with pytest.raises(ProviderError):
        complete(context, ModelChoice("openai", "m", fault_server.url("500-forever")), [Message("user", "hi")])
    events = stream_answer(context, ModelChoice("openai", "m", fault_server.url("drip")), [Message("user", "hi")])
    next(events)
    events.close()
    cut, failed = entries(context)
    assert (failed.outcome, failed.answer) == ("server", "")
    assert failed.error
    assert (cut.outcome, cut.answer, cut.estimated) == ("cancelled", "drip ", True)


def test_tool_calls(app: Callable[..., AppContext], fault_server: Any) -> None:
    context = app()
    clock = ToolSpec("clock", "The time", {"type": "object"})
    choice = ModelChoice("openai", "m", fault_server.url("tool-call"))
    list(stream_answer(context, choice, [Message("user", "when?")], tools=[clock]))
    (call,) = entries(context)
    assert call.tool_calls == [{"id": "t1", "name": "clock", "arguments": '{"zone": "UTC"}'}]


def test_strange_text_is_kept_as_far_as_it_can_be(app: Callable[..., AppContext]) -> None:
    context = app()
    half = ToolCall("\ud83d", "clock\udc00", '{"zone": "\ud83d"}')
    messages = [Message("assistant", "", tool_calls=(half,)), Message("tool", "\0x", tool_call_id="\ud83d")]
    complete(context, ModelChoice("echo", ""), [*messages, Message("user", "long " * 300_000)])
    (call,) = entries(context)
    assert call.messages[0]["tool_calls"] == [{"id": "?", "name": "clock?", "arguments": '{"zone": "?"}'}]
    assert str(call.messages[2]["text"]).endswith("[... 500000 more characters]")
    assert context.err.getvalue() == ""  # type: ignore[attr-defined]


def test_switched_off_nothing_is_made(app: Callable[..., AppContext], home: Path) -> None:
    context = app(OPSVI_LOGS__ENABLED="false")
    complete(context, ModelChoice("echo", ""), [Message("user", "hi")])
    assert not list(home.rglob("calls.db"))
    assert len(context.foundation.usage.rows()) == 1


def test_old_calls_go(app: Callable[..., AppContext]) -> None:
    with contextlib.closing(CallLog(app(OPSVI_LOGS__KEEP_DAYS="0"))) as log:
        log.add(entry(1, "2020-01-01T00:00:00.000Z"))
        assert log.count() == 1
    with contextlib.closing(CallLog(app())) as log:
        log.add(entry(2, app().now()))
        assert [call.id for call in log.entries(Filter())] == [entry(2).id]
        assert next(log.search("question", Filter(), 9))[0].id == entry(2).id


def test_trouble_is_one_line(app: Callable[..., AppContext], home: Path) -> None:
    (home / "state").mkdir(parents=True)
    (home / "state" / "calls.db").write_bytes(b"x" * 5000)
    context = app()
    for _ in range(3):
        assert complete(context, ModelChoice("echo", ""), [Message("user", "hi")])[0] == "hi"
    said = context.err.getvalue().splitlines()  # type: ignore[attr-defined]
    assert len(said) == 1
    assert "not kept in `opsvi logs`" in said[0]
    assert "is damaged" in said[0]


def test_a_full_disk_is_one_line(app: Callable[..., AppContext], home: Path) -> None:
    context = app()
    complete(context, ModelChoice("echo", ""), [Message("user", "first")])
    (path,) = home.rglob("calls.db")
    original = CallLog.__init__

    def small(self: CallLog, app: AppContext) -> None:
        original(self, app)
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        self._db.execute(f"PRAGMA max_page_count={pages}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CallLog, "__init__", small)
        answer, _ = complete(context, ModelChoice("echo", ""), [Message("user", "word " * 20_000)])
    assert answer.startswith("word word")
    assert "the disk is full" in context.err.getvalue()  # type: ignore[attr-defined]
    assert sqlite3.connect(path).execute("SELECT count(*) FROM calls").fetchone() == (1,)


def test_finding(app: Callable[..., AppContext]) -> None:
    with contextlib.closing(CallLog(app())) as log:
        for number in (0x1A, 0x1B, 0x2C):
            log.add(entry(number, app().now()))
        assert log.find("last").id == entry(0x2C).id
        assert log.find(entry(0x1A).id).prompt == "question 26"
        with pytest.raises(UsageError, match="several calls"):
            log.find("0000")
        for name in ("abc", "", "%"):
            with pytest.raises(NotFoundError):
                log.find(name)
        for text in ("a OR b", "prompt:x", "NEAR(", '"2 question"'):
            assert list(log.search(text, Filter(), 9)) == []
        assert len(list(log.search("quest*", Filter(), 9))) == 3
        assert log.remove(before="2020-01-01") == 0
        assert log.remove([entry(0x1A).id]) == 1
        assert log.remove(before="") == 2
        assert log.count() == 0


@pytest.mark.slow
def test_first_starts_at_the_same_time(home: Path, tmp_path: Path) -> None:
    def start(number: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "opsvi_cli", "prompt", f"hello {number}", "-m", "echo"]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, timeout=100)

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(start, range(6)))
    assert [(run.returncode, run.stderr) for run in done] == [(0, "")] * 6
    listed = [sys.executable, "-m", "opsvi_cli", "logs", "list", "--json"]
    rows = json.loads(subprocess.run(listed, capture_output=True, text=True, check=True, timeout=100).stdout)
    assert {row["prompt"] for row in rows} == {f"hello {number}" for number in range(6)}
