"""Ctrl-C ends the request at the server too, and is written down as what it was."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

KEY = "sk-cancel-0123456789abcdef"


@contextmanager
def running(*args: str, key: str = KEY) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "opsvi_cli", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            **os.environ,
            "OPENAI_API_KEY": key,
            "OPSVI_PROVIDERS__OPENAI__API_KEY": "env:OPENAI_API_KEY",
            "OPSVI_HTTP__READ_TIMEOUT": "60",
        },
    )
    try:
        with child:
            yield child
    finally:
        child.kill()


def until(what: Callable[[], bool]) -> bool:
    """True as soon as `what` is, False when it never is."""
    for _ in range(1000):
        if what():
            return True
        time.sleep(0.02)
    return False


def outcomes(home: Path) -> list[str]:
    with sqlite3.connect(home / "state" / "state.db") as db:
        return [outcome for (outcome,) in db.execute("SELECT outcome FROM usage")]


@pytest.mark.parametrize("command", ["prompt", "query"])
@pytest.mark.parametrize("fault", ["slow-first-byte", "slow-first-event", "stall-mid-stream", "drip"])
def test_ctrl_c_reaches_the_server(command: str, fault: str, home: Path, fault_server: Any) -> None:
    with running(command, "hi", "-m", "m", "--base-url", fault_server.url(fault)) as child:
        assert until(lambda: fault_server.count(fault) == 1)
        if fault in ("stall-mid-stream", "drip"):
            assert child.stdout is not None
            assert child.stdout.read(5)
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
        assert child.stderr is not None
        assert b"Traceback" not in child.stderr.read()
    assert fault_server.last().client_gone.wait(10)
    assert fault_server.count(fault) == 1
    assert outcomes(home) == ["cancelled"]


def test_ctrl_c_between_two_tries_makes_no_other(home: Path, fault_server: Any) -> None:
    with running("prompt", "hi", "-m", "m", "--base-url", fault_server.url("429-wait")) as child:
        assert until(lambda: fault_server.count("429-wait") == 1)
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
    assert fault_server.count("429-wait") == 1
    assert outcomes(home) == ["cancelled"]


def test_a_real_server_stops_writing(home: Path, llama_without_end: Any) -> None:
    """llama.cpp says whether its slot is at work, and how many tokens of its context are used."""
    server = llama_without_end

    def slot() -> dict[str, Any]:
        url = server.url.removesuffix("/v1") + "/slots"
        request = urllib.request.Request(url, headers={"authorization": f"Bearer {server.key}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)[0]
        return found

    args = ("prompt", "Say something", "-m", "tiny", "--base-url", server.url, "--max-tokens", "100000")
    with running(*args, key=server.key) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.read(1), child.stderr.read()
        assert slot()["is_processing"]
        child.send_signal(signal.SIGINT)
        assert child.wait(30) == 130
    assert until(lambda: not slot()["is_processing"])
    assert slot()["n_prompt_tokens"] < slot()["n_ctx"] - 1
    assert outcomes(home) == ["cancelled"]
