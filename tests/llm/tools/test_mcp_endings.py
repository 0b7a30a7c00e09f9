"""A server that hangs, ignores what it is told or is interrupted: calls are cancelled there, and no program stays."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")
if not hasattr(os, "killpg"):
    pytest.skip("process groups are those of POSIX", allow_module_level=True)
RAW = Path(__file__).resolve().parents[2] / "servers" / "mcp_raw.py"
Run = Callable[..., Any]


class Raw:
    """The server of the settings, by what it wrote down."""

    def __init__(self, log: Path) -> None:
        self.log = log

    def told(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def wait_for(self, text: str) -> None:
        for _ in range(600):
            if text in self.told():
                return
            time.sleep(0.05)
        raise AssertionError(f"never told {text!r}: {self.told()}")

    def runs(self) -> bool:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(self.told().splitlines()[0]), 0)
            return True
        return False


@pytest.fixture
def raw(opsvi: Run, tmp_path: Path) -> Iterator[Callable[..., Raw]]:
    server = Raw(tmp_path / "told.log")

    def configure(*faults: str, timeout: float = 20) -> Raw:
        values = {"command": sys.executable, "args": [str(RAW), str(server.log), *faults], "timeout": timeout}
        for name, value in values.items():
            text = value if isinstance(value, str) else str(value).replace("'", '"')
            assert opsvi("config", "set", f"mcp.raw.{name}", text).code == 0
        return server

    yield configure
    if server.told() and server.runs():
        os.kill(int(server.told().splitlines()[0]), signal.SIGKILL)


def start(*args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "opsvi_cli", *args], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )


CALL = ("tools", "call", "mcp.raw.wait")
ALLOWED = {"OPSVI_TOOLS__ALLOW": "mcp.*"}


def test_a_call_that_takes_too_long_is_cancelled_there(opsvi: Run, raw: Callable[..., Raw]) -> None:
    server = raw()
    done = opsvi(*CALL, env={**ALLOWED, "OPSVI_TOOLS__TIMEOUT": "1"})
    assert (done.code, done.err.splitlines()[0]) == (1, "opsvi: it took longer than 1 s (tools.timeout)")
    assert "notifications/cancelled" in server.told()
    assert not server.runs()


def test_ctrl_c_cancels_the_call_and_ends_the_program(raw: Callable[..., Raw], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPSVI_TOOLS__ALLOW", "mcp.*")
    server = raw("stays")
    child = start(*CALL)
    server.wait_for("tools/call")
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (130, "\n")
    assert "notifications/cancelled" in server.told()
    assert not server.runs()


@pytest.mark.parametrize("faults", [("hangs",), ("hangs", "stays")])
def test_ctrl_c_while_a_server_hangs_at_its_start(faults: tuple[str, ...], raw: Callable[..., Raw]) -> None:
    """The library would wait twenty seconds for each of two answers."""
    server = raw(*faults)
    child = start("mcp", "tools")
    server.wait_for("server/discover")
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=15) == 130
    assert not server.runs()


def test_a_second_ctrl_c_leaves_no_program_behind(raw: Callable[..., Raw]) -> None:
    server = raw("hangs", "stays")
    child = start("mcp", "tools")
    server.wait_for("server/discover")
    child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    child.wait(timeout=15)
    assert not server.runs()


def test_the_time_of_the_run_holds_while_a_server_starts(opsvi: Run, raw: Callable[..., Raw]) -> None:
    server = raw("hangs")
    done = opsvi("--timeout", "2", "mcp", "tools")
    assert (done.code, done.err.splitlines()[0]) == (124, "opsvi: gave up after 2 s")
    assert not server.runs()


def test_a_server_that_never_answers_is_given_up(opsvi: Run, raw: Callable[..., Raw]) -> None:
    server = raw("hangs", "stays", timeout=1)
    done = opsvi("mcp", "tools")
    assert done.code == 1
    assert "MCP server raw" in done.err
    assert "cannot be reached" in done.err
    assert not server.runs()


def test_a_server_that_cannot_start_says_why(opsvi: Run, raw: Callable[..., Raw]) -> None:
    raw("licence")
    done = opsvi("mcp", "tools")
    assert done.code == 1
    assert "it said: there is no licence here" in done.err.splitlines()[0]
    assert "raw.log" in done.err.splitlines()[1]


def test_noise_on_stdout_is_nobodys_traceback(raw: Callable[..., Raw]) -> None:
    raw("noise")
    done = subprocess.run([sys.executable, "-m", "opsvi_cli", "mcp", "tools"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "mcp.raw.wait\tNever answers.\n", "")


def test_tools_that_cannot_be_used_are_left_out_and_counted(opsvi: Run, raw: Callable[..., Raw]) -> None:
    raw("odd")
    done = opsvi("mcp", "tools", "--json")
    assert [row["name"] for row in done.json] == ["mcp.raw.wait"]
    assert "MCP server raw: 5 of 6 tools are left out" in done.err


def test_one_broken_server_hides_no_other(opsvi: Run, raw: Callable[..., Raw]) -> None:
    raw()
    assert opsvi("config", "set", "mcp.gone.command", "no-such-program-here").code == 0
    done = opsvi("mcp", "tools", "--json")
    assert (done.code, [row["name"] for row in done.json]) == (3, ["mcp.raw.wait"])
    assert "MCP server gone" in done.err
