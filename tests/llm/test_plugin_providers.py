"""Providers of plugins that know nothing of opsvi's errors: users and programs see the same as of the built-in one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KEY = "sk-plain-0123456789abcdef"
PLUGIN = """
from opsvi_cli.sdk import Finish, ModelInfo, TextDelta, Usage, hookimpl

OPSVI_API = "1.0"


class Plain:
    def __init__(self, services):
        self._services = services

    def capabilities(self, model):
        return frozenset({"stream"})

    def models(self):
        return []

    def stream(self, request):
        what = request.messages[-1].text
        if what == "usage":
            yield TextDelta("a")
            yield Finish("stop", {"input_tokens": "many"})
            return
        if what == "half":
            yield TextDelta("Half an ")
            raise KeyError("choices")
        if what == "text":
            yield TextDelta(b"bytes")
        if what == "exit":
            raise SystemExit(3)
        with self._services.http(allow_private=True) as client:
            key = "Bearer " + self._services.secret("env:OPENAI_API_KEY")
            answer = client.get(what + "/models", headers={"authorization": key})
            answer.raise_for_status()
            yield TextDelta(str(answer.json()["data"][0]["id"]))
            yield Finish("stop")


@hookimpl
def opsvi_register(registry):
    registry.provider("plain", "plain_plugin:Plain", help="Raises whatever comes")
"""


@pytest.fixture
def ask(opsvi: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Callable[..., Any]:
    (tmp_path / "plain_plugin.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))

    def call(what: str, *args: str) -> Any:
        env = {
            "OPSVI_PLUGINS": "plain_plugin",
            "OPENAI_API_KEY": KEY,
            "OPSVI_HTTP__FIRST_BYTE_TIMEOUT": "0.6",
            "OPSVI_RESILIENCE__RETRIES": "0",
        }
        return opsvi("prompt", what, "-m", "plain/m", *args, env=env)

    return call


def outcomes(home: Path) -> list[str]:
    with sqlite3.connect(home / "state" / "state.db") as db:
        return [outcome for (outcome,) in db.execute("SELECT outcome FROM usage")]


@pytest.mark.parametrize(
    ("fault", "code", "kind"),
    [
        ("401-echoes-key", 4, "auth"),
        ("404-model", 1, "not-found"),
        ("429-forever", 1, "rate"),
        ("500-forever", 1, "server"),
        ("slow-first-byte", 124, "timeout"),
        ("close-at-once", 1, "network"),
        ("gzip-garbage", 1, "bad-response"),
        ("truncated-json", 1, "bad-response"),
        ("html-200", 1, "bad-response"),
        ("json-null", 1, "bad-response"),
        ("redirect-other-host", 1, "bad-response"),
    ],
)
def test_bare_errors(fault: str, code: int, kind: str, ask: Callable[..., Any], fault_server: Any, home: Path) -> None:
    done = ask(fault_server.url(fault), "--json")
    assert done.code == code, done.err
    error = json.loads(done.err)["error"]
    origin = f"http://127.0.0.1:{fault_server.port}"
    assert (error["kind"], error["provider"], error["model"], error["url"]) == (kind, "plain", "m", origin)
    assert "plain/m" in error["message"]
    assert origin in error["message"]
    assert error["hint"]
    assert KEY not in done.err
    assert outcomes(home) == [kind]


def test_a_good_answer(ask: Callable[..., Any], fault_server: Any, home: Path) -> None:
    assert ask(fault_server.url("ok")).out == "m-b\n"
    assert outcomes(home) == ["ok"]


def test_what_no_server_is_to_blame_for(ask: Callable[..., Any], home: Path) -> None:
    half, text, usage, gone = ask("half"), ask("text"), ask("usage"), ask("exit")
    assert (half.code, half.out) == (1, "Half an \n")
    assert "plain/m: the provider failed with KeyError: 'choices'; the answer is incomplete" in half.err
    assert (text.code, text.out) == (1, "")
    assert "plain/m: the provider gave TextDelta, which is no event of an answer" in text.err
    assert (usage.code, usage.out, usage.err) == (0, "a\n", "")
    assert (gone.code, gone.out) == (1, "")
    assert "plain/m: the provider failed with SystemExit: 3" in gone.err
    assert outcomes(home) == ["bad-response", "bad-response", "ok", "bad-response"]
