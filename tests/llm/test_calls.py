"""Calling models: who answers, what is tried again, what is written down, what ends when nobody listens."""

from __future__ import annotations

import io
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import CredentialsError, ProviderError, UsageError
from opsvi_cli.llm.calls import ModelChoice, choose_model, complete, stream_answer
from opsvi_cli.sdk import Attachment, Finish, Message, TextDelta, ToolSpec, Usage

KEY = "sk-calls-0123456789abcdef"
ASK = [Message("system", "Be short."), Message("user", "hello there")]


@pytest.fixture
def app(home: Path, tmp_path: Path) -> Callable[..., AppContext]:
    def make(**env: str) -> AppContext:
        values: Mapping[str, str] = {
            **os.environ,
            "OPENAI_API_KEY": KEY,
            "OPSVI_PROVIDERS__OPENAI__API_KEY": "env:OPENAI_API_KEY",
            "OPSVI_HTTP__READ_TIMEOUT": "5",
            "OPSVI_RESILIENCE__RETRIES": "1",
            **env,
        }
        return AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=values, cwd=str(tmp_path))

    return make


def test_choosing(app: Callable[..., AppContext], fault_server: Any) -> None:
    assert choose_model(app(), None) is None
    assert choose_model(app(OPSVI_MODEL="openai/gpt-9"), None) == ModelChoice("openai", "gpt-9")
    assert choose_model(app(), "openai/org/model:tag") == ModelChoice("openai", "org/model:tag")
    assert choose_model(app(), "echo") == ModelChoice("echo", "")
    assert choose_model(app(OPSVI_PROVIDERS__OPENAI__MODEL="gpt-8"), "openai") == ModelChoice("openai", "gpt-8")
    for name, hint in (("gpt-9", "openai/gpt-9"), ("opena/gpt", "openai")):
        with pytest.raises(UsageError) as caught:
            choose_model(app(), name)
        assert hint in caught.value.hint
    url = fault_server.url("ok")
    assert choose_model(app(), "openai/m", url) == ModelChoice("openai", "m", url)
    assert choose_model(app(), "org/m", url) == ModelChoice("openai", "org/m", url)
    assert fault_server.requests == []
    with pytest.raises(UsageError, match="It lists m-a, m-b"):
        choose_model(app(), None, url)


def test_what_is_sent(app: Callable[..., AppContext], fault_server: Any) -> None:
    choice = ModelChoice("openai", "m", fault_server.url("ok"))
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    image = Attachment("x.png", "image/png", b"\x89PNG")
    tool = ToolSpec("clock", "The time", {"type": "object"})
    messages = [ASK[0], Message("user", "look \ud83d", attachments=(image,))]
    events = stream_answer(app(), choice, messages, schema=schema, temperature=0.5, max_tokens=9, tools=[tool])
    assert list(events)[-1] == Finish("stop", Usage(7, 5))
    seen = fault_server.last()
    assert seen.headers["authorization"] == f"Bearer {KEY}"
    assert seen.headers["user-agent"]
    body = seen.body
    assert (body["model"], body["stream"], body["temperature"], body["max_tokens"]) == ("m", True, 0.5, 9)
    assert body["stream_options"] == {"include_usage": True}
    assert body["messages"][0] == {"role": "system", "content": "Be short."}
    assert body["messages"][1]["content"] == [
        {"type": "text", "text": "look ?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
    ]
    assert body["response_format"]["json_schema"] == {"name": "answer", "schema": schema, "strict": False}
    assert body["tools"][0]["function"]["name"] == "clock"


def test_a_closed_schema_is_strict(app: Callable[..., AppContext], fault_server: Any) -> None:
    closed = {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}
    complete(app(), ModelChoice("openai", "m", fault_server.url("ok")), ASK, schema=closed)
    assert fault_server.last().body["response_format"]["json_schema"]["strict"] is True


def test_complete(app: Callable[..., AppContext], fault_server: Any) -> None:
    choice = ModelChoice("openai", "m", fault_server.url("ok"))
    assert complete(app(), choice, ASK) == ("Hello from the server.", Finish("stop", Usage(7, 5)))
    assert fault_server.last().body["stream"] is False


def test_tool_calls_are_put_together(app: Callable[..., AppContext], fault_server: Any) -> None:
    clock = ToolSpec("clock", "The time", {"type": "object"})
    choice = ModelChoice("openai", "m", fault_server.url("tool-call"))
    (finish,) = stream_answer(app(), choice, ASK, tools=[clock])
    assert isinstance(finish, Finish)
    (call,) = finish.tool_calls
    assert (finish.reason, call.id, call.name, call.arguments) == ("tool_calls", "t1", "clock", '{"zone": "UTC"}')


def test_closing_ends_the_call_at_the_server(app: Callable[..., AppContext], fault_server: Any) -> None:
    events = stream_answer(app(), ModelChoice("openai", "m", fault_server.url("drip")), ASK)
    assert next(events) == TextDelta("drip ")
    events.close()  # type: ignore[attr-defined]
    assert fault_server.last().client_gone.wait(10)


def test_a_key_of_ones_own_server_is_not_needed(app: Callable[..., AppContext], fault_server: Any) -> None:
    complete(app(OPSVI_PROVIDERS__OPENAI__API_KEY=""), ModelChoice("openai", "m", fault_server.url("ok")), ASK)
    assert "authorization" not in fault_server.last().headers
    with pytest.raises(CredentialsError) as caught:
        complete(
            app(OPSVI_PROVIDERS__OPENAI__API_KEY=""), ModelChoice("openai", "m", "https://models.example.com/v1"), ASK
        )
    assert "opsvi config set providers.openai.api_key env:NAME" in caught.value.hint
    assert caught.value.exit_code == 4


def test_keys_by_reference(app: Callable[..., AppContext], fault_server: Any) -> None:
    env = {"OPSVI_PROVIDERS__OPENAI__API_KEY": "env:OTHER", "OTHER": "sk-other-0123456789abcdef"}
    complete(app(**env), ModelChoice("openai", "m", fault_server.url("ok")), ASK)
    assert fault_server.last().headers["authorization"] == "Bearer sk-other-0123456789abcdef"
    with pytest.raises(CredentialsError):
        complete(app(OPENAI_API_KEY="sk-two\nlines"), ModelChoice("openai", "m", fault_server.url("ok")), ASK)


@pytest.mark.parametrize("url", ["ftp://h/v1", "not a url", "http://u:p@127.0.0.1/v1", "http:///v1"])
def test_base_urls_that_are_none(url: str, app: Callable[..., AppContext]) -> None:
    with pytest.raises(UsageError):
        complete(app(), ModelChoice("openai", "m", url), ASK)


def fallback(app: Callable[..., AppContext], server: Any, fault: str, *models: str) -> AppContext:
    listed = ", ".join(f'"{model}"' for model in models)
    return app(
        OPSVI_PROVIDERS__OPENAI__BASE_URL=server.url(fault),
        OPSVI_RESILIENCE__FALLBACK=f"[{listed}]",
        OPSVI_RESILIENCE__RETRIES="0",
    )


def test_a_fallback_answers_and_is_named(app: Callable[..., AppContext], fault_server: Any) -> None:
    context = fallback(app, fault_server, "500-forever", "openai/other", "echo")
    told: list[ModelChoice] = []
    events = list(stream_answer(context, ModelChoice("openai", "m"), ASK, answered=told.append))
    assert [e.text for e in events if isinstance(e, TextDelta)] == ["hello", " there"]
    assert told == [ModelChoice("echo", "")]
    err = context.err.getvalue()  # type: ignore[attr-defined]
    assert "openai/m cannot answer, openai/other is asked instead" in err
    assert "openai/other cannot answer, echo is asked instead" in err
    assert fault_server.count("500-forever") == 2


def test_a_fallback_that_cannot_do_it_is_passed_over(app: Callable[..., AppContext], fault_server: Any) -> None:
    """What the first one failed with is told, or the next one that can do it is asked."""
    tool = [ToolSpec("clock", "Says the time", {"type": "object"})]
    messages = [Message("user", "hi")]
    context = fallback(app, fault_server, "500-forever", "echo/echo")
    with pytest.raises(ProviderError, match="the server failed"):
        list(stream_answer(context, ModelChoice("openai", "m"), messages, tools=tool))
    assert "echo/echo is not asked instead: it does not do tools" in context.err.getvalue()  # type: ignore[attr-defined]
    told: list[str] = []
    context = fallback(app, fault_server, "500-forever", "echo/echo", "echo/call")
    answer = stream_answer(
        context, ModelChoice("openai", "m"), messages, tools=tool, answered=lambda who: told.append(who.name)
    )
    assert list(answer)
    assert told == ["echo/call"]


@pytest.mark.parametrize("fault", ["401-echoes-key", "context-length", "cut-mid-stream"])
def test_no_fallback_for_what_the_user_must_mend_nor_after_text(
    fault: str, app: Callable[..., AppContext], fault_server: Any
) -> None:
    context = fallback(app, fault_server, fault, "echo")
    with pytest.raises((ProviderError, CredentialsError)):
        list(stream_answer(context, ModelChoice("openai", "m"), ASK))


def test_the_breaker_stops_calls_of_the_next_run(app: Callable[..., AppContext], fault_server: Any) -> None:
    env = {"OPSVI_RESILIENCE__RETRIES": "0", "OPSVI_RESILIENCE__BREAKER_FAILURES": "2"}
    choice = ModelChoice("openai", "m", fault_server.url("500-forever"))
    for _ in range(2):
        with pytest.raises(ProviderError, match="the server failed"):
            complete(app(**env), choice, ASK)
    with pytest.raises(ProviderError, match=r"openai@127\.0\.0\.1:\d+ failed 2 times in a row"):
        complete(app(**env), choice, ASK)
    assert fault_server.count("500-forever") == 2


def test_calls_are_written_down_without_their_words(
    app: Callable[..., AppContext], fault_server: Any, home: Path
) -> None:
    context = app()
    complete(context, ModelChoice("openai", "m", fault_server.url("ok")), ASK)
    with pytest.raises(CredentialsError):
        complete(context, ModelChoice("openai", "m", fault_server.url("401-echoes-key")), ASK)
    good, bad = reversed(context.foundation.usage.rows())
    assert (good.provider, good.model, good.input_tokens, good.output_tokens, good.outcome) == (
        "openai",
        "m",
        7,
        5,
        "ok",
    )
    assert (bad.outcome, bad.input_tokens) == ("auth", None)
    assert [event.data["outcome"] for event in context.foundation.events.recent(name="model.call")] == [
        "auth",
        "ok",
    ]
    (state,) = home.rglob("state.db")
    dump = "\n".join(sqlite3.connect(state).iterdump())
    assert "hello there" not in dump
    assert "Hello from" not in dump
    assert KEY not in dump


def test_plugins_may_change_the_prompt(
    app: Callable[..., AppContext], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "polite_plugin.py").write_text(
        "from dataclasses import replace\nfrom opsvi_cli.sdk import hookimpl\nOPSVI_API = '1.0'\n"
        "@hookimpl\ndef opsvi_prompt(messages, model):\n"
        "    return [*messages[:-1], replace(messages[-1], text=messages[-1].text + ' please, ' + model)]\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    text, _ = complete(app(OPSVI_PLUGINS="polite_plugin"), ModelChoice("echo", ""), ASK)
    assert text == "hello there please, echo"


def test_echo(app: Callable[..., AppContext]) -> None:
    context = app()
    words = [e.text for e in stream_answer(context, ModelChoice("echo", "echo"), ASK) if isinstance(e, TextDelta)]
    assert words == ["hello", " there"]
    _, finish = complete(context, ModelChoice("echo", ""), ASK, max_tokens=1)
    assert finish == Finish("length", Usage(4, 1))
    with pytest.raises(ProviderError, match="echo has no model 'loud'"):
        complete(context, ModelChoice("echo", "loud"), ASK)
    with pytest.raises(UsageError, match="echo does not do tools"):
        list(stream_answer(context, ModelChoice("echo", ""), ASK, tools=[ToolSpec("a", "b", {})]))


def test_the_usage_log_says_which_command_called(opsvi: Callable[..., Any], home: Path) -> None:
    assert opsvi("query", "hi", "-m", "echo").code == 0
    with sqlite3.connect(home / "state" / "state.db") as db:
        assert db.execute("SELECT command, provider, outcome FROM usage").fetchall() == [("query", "echo", "ok")]
