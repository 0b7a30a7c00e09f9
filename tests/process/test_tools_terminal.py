"""Tools on a real terminal: the question before a call, Ctrl-C in a call and at the question."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pexpect = pytest.importorskip("pexpect")

Spawn = Callable[..., Any]
PLUGIN = """
import pathlib, time
from opsvi_cli.sdk import hookimpl, tool
OPSVI_API = "1.0"

@tool(side_effects=True)
def write_down(text: str) -> str:
    "Writes a line."
    pathlib.Path("written.txt").write_text(text)
    return "written"

@tool(side_effects=True)
def wait() -> str:
    "Takes long."
    pathlib.Path("started.txt").write_text("")
    time.sleep(100)
    return "late"

@hookimpl
def opsvi_register(registry):
    registry.tool("write_down", "writing:write_down", help="Writes")
    registry.tool("wait", "writing:wait", help="Waits")
"""


@pytest.fixture
def tools(home: Path, tmp_path: Path) -> Iterator[Spawn]:
    """Start `opsvi ARGS` on a pseudo-terminal, with tools that write and wait."""
    started = []
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "writing.py").write_text(PLUGIN)

    def spawn(*args: str) -> Any:
        env = {**os.environ, "TERM": "dumb", "PYTHONPATH": str(tmp_path / "plugins"), "OPSVI_PLUGINS": "writing"}
        command = ["-m", "opsvi_cli", *args]
        child = pexpect.spawn(sys.executable, command, env=env, cwd=str(tmp_path), encoding="utf-8", timeout=60)
        started.append(child)
        return child

    yield spawn
    for child in started:
        child.close(force=True)


def ended(child: Any) -> int:
    child.expect(pexpect.EOF)
    child.wait()
    return int(child.exitstatus if child.exitstatus is not None else -child.signalstatus)


def test_a_person_says_yes(tools: Spawn, tmp_path: Path) -> None:
    child = tools("tools", "call", "write_down", '{"text": "a\\u202eb\\u200b"}')
    child.expect_exact("write_down (it has side effects)")
    child.expect_exact('"text": "a\\u202eb\\u200b"')
    child.expect_exact("[N]o: ")
    child.sendline("y")
    child.expect_exact("written")
    assert ended(child) == 0
    assert (tmp_path / "written.txt").exists()


def test_what_was_typed_before_the_question_is_no_answer(tools: Spawn, tmp_path: Path) -> None:
    child = tools("tools", "call", "write_down", '{"text": "x"}')
    child.sendline("y")
    child.sendline("yes")
    child.expect_exact("[N]o: ")
    child.sendline("")
    child.expect_exact("the user said no")
    assert ended(child) == 1
    assert not (tmp_path / "written.txt").exists()


def test_ctrl_c_ends_a_call_that_hangs_and_the_record_says_so(
    tools: Spawn, tmp_path: Path, opsvi_process: Callable[..., Any]
) -> None:
    child = tools("tools", "call", "wait")
    child.expect_exact("[N]o: ")
    child.sendline("y")
    while not (tmp_path / "started.txt").exists():
        time.sleep(0.02)
    child.sendintr()
    assert ended(child) == 130
    rows = opsvi_process("tools", "log", "--json").json
    assert [(row["event"], row["outcome"]) for row in rows] == [("call", None), ("result", "interrupted")]


def test_ctrl_c_at_the_question_calls_nothing(tools: Spawn, tmp_path: Path) -> None:
    child = tools("tools", "call", "write_down", '{"text": "x"}')
    child.expect_exact("[N]o: ")
    child.sendintr()
    assert ended(child) == 130
    assert not (tmp_path / "written.txt").exists()
