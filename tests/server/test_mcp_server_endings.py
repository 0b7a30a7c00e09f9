"""`opsvi mcp serve` over stdio: how it ends, and what a call that hangs or is cancelled does to others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")
from mcp import Client, StdioServerParameters

Run = Callable[..., Any]
SERVE = [sys.executable, "-m", "opsvi_cli", "mcp", "serve"]
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


@pytest.fixture
def serving(home: Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        SERVE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
    )
    tell(child, HELLO)
    assert child.stdout is not None
    assert '"serverInfo"' in child.stdout.readline()
    yield child
    child.kill()
    with contextlib.suppress(BrokenPipeError, ValueError):
        child.communicate()


def tell(child: subprocess.Popen[str], message: dict[str, Any]) -> None:
    assert child.stdin is not None
    child.stdin.write(json.dumps(message) + "\n")
    child.stdin.flush()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_while_stdin_is_open(serving: subprocess.Popen[str], number: int, code: int) -> None:
    serving.send_signal(number)
    assert serving.wait(timeout=20) == code
    assert serving.stderr is not None
    assert serving.stderr.read().strip() == ""


def test_the_end_of_stdin_ends_it(serving: subprocess.Popen[str]) -> None:
    _, said = serving.communicate(timeout=20)
    assert (serving.returncode, said) == (0, "")


def test_a_caller_that_no_longer_reads_is_no_failure(serving: subprocess.Popen[str]) -> None:
    assert serving.stdout is not None
    assert serving.stdin is not None
    assert serving.stderr is not None
    serving.stdout.close()
    tell(serving, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"})
    serving.stdin.close()
    assert serving.wait(timeout=20) == 0
    assert serving.stderr.read() == ""


def test_without_stdin_it_says_who_starts_it(home: Path) -> None:
    done = subprocess.run(["sh", "-c", '"$@" <&-', "sh", *SERVE], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "another program starts this command" in done.stderr


@pytest.fixture
def silent(opsvi: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A collection, and a model that never answers."""
    (tmp_path / "a.md").write_text("Backups are kept for 35 days.")
    assert opsvi("ingest", "a.md", "--embedder", "hash", cwd=tmp_path).code == 0
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        monkeypatch.setenv("OPSVI_PROVIDERS__OPENAI__BASE_URL", url)
        monkeypatch.setenv("OPSVI_MODEL", "openai/m")
        yield listening


def test_a_cancelled_call_keeps_no_other_waiting(silent: socket.socket) -> None:
    """Six are cancelled, more than may run at once."""
    env = {name: value for name, value in os.environ.items() if name in ("HOME", "PATH") or name.startswith("OPSVI_")}
    program = StdioServerParameters(command=sys.executable, args=SERVE[1:], env=env)

    async def talk() -> Any:
        async with Client(program, read_timeout_seconds=30) as client:
            for _ in range(6):
                with pytest.raises(Exception, match="timed out"):
                    await client.call_tool("query", {"question": "how long?"}, read_timeout_seconds=1)
            return await client.call_tool("search", {"text": "backups"})

    found = asyncio.run(asyncio.wait_for(talk(), 60))
    assert "35 days" in str(found.structured_content)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, None])
def test_a_call_that_hangs_does_not_keep_it_alive(
    silent: socket.socket, serving: subprocess.Popen[str], number: int | None
) -> None:
    arguments = {"name": "query", "arguments": {"question": "how long?"}}
    tell(serving, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    tell(serving, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": arguments})
    connection, _ = silent.accept()
    with connection:
        assert serving.stdin is not None
        if number is None:
            serving.stdin.close()
        else:
            serving.send_signal(number)
        assert serving.wait(timeout=20) == {signal.SIGINT: 130, signal.SIGTERM: 143}.get(number or 0, 0)
        assert serving.stderr is not None
        assert serving.stderr.read().strip() == ""


def test_ctrl_c_over_http_while_a_call_hangs(silent: socket.socket) -> None:
    child = subprocess.Popen(
        [*SERVE, "--http", "127.0.0.1:0"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert child.stderr is not None
    found = re.search(r"http://\S+/mcp", child.stderr.readline())
    assert found is not None

    async def talk() -> None:
        async with Client(found[0], read_timeout_seconds=30) as client:
            asking = asyncio.create_task(client.call_tool("query", {"question": "how long?"}))
            connection, _ = await asyncio.to_thread(silent.accept)
            with connection:
                child.send_signal(signal.SIGINT)
                assert await asyncio.to_thread(child.wait, 20) == 130
                with pytest.raises(Exception, match=r"error|closed"):
                    await asking

    with contextlib.suppress(ExceptionGroup, OSError):  # the client also says goodbye to a server that is gone
        asyncio.run(talk())
    child.kill()
    assert child.stderr.read().strip() == ""
    assert child.wait() == 130
