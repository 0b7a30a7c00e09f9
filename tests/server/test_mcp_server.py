"""opsvi as an MCP server, used by the reference client over stdio and HTTP."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

pytest.importorskip("mcp")
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client


@pytest.fixture
def folder(tmp_path: Path, opsvi: Callable[..., Any]) -> Path:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "backup.md").write_text("# Backups\n\nBackups are kept for 35 days.\n")
    (tmp_path / "secret.txt").write_text("the key is 42")
    (tmp_path / "served" / "link.txt").symlink_to(tmp_path / "secret.txt")
    for name in ("team", "private"):
        assert opsvi("ingest", "served/backup.md", "-c", name, "--embedder", "hash", cwd=tmp_path).code == 0
    return tmp_path


def ask(target: Any, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
    async def run() -> list[Any]:
        async with Client(target, read_timeout_seconds=60) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(run())


def stdio(folder: Path, *args: str) -> StdioServerParameters:
    import os

    command = ["-m", "opsvi_cli", "mcp", "serve", "--root", "served", *args]
    env = {name: os.environ[name] for name in ("OPSVI_HOME", "HOME", "PATH")}
    return StdioServerParameters(command=sys.executable, args=command, env=env, cwd=str(folder))


def test_search_query_extract(folder: Path) -> None:
    found, answered, text, names = ask(
        stdio(folder, "-c", "team"),
        ("search", {"text": "how long are backups kept"}),
        ("query", {"question": "How long are backups kept?"}),
        ("extract", {"source": "backup.md"}),
        ("collections", {}),
    )
    hit = found.structured_content["result"][0]
    assert "35 days" in hit["text"]
    assert hit["source"].endswith("backup.md")
    assert "35 days" in answered.structured_content["answer"]
    assert answered.structured_content["citations"]
    assert "Backups are kept" in text.structured_content["result"][0]["text"]
    assert names.structured_content["result"] == [{"name": "team", "documents": 1}]


@pytest.mark.parametrize(
    "call",
    [
        ("search", {"text": "x", "collection": "private"}),
        ("search", {"text": "x", "where": "year >>> 3"}),
        ("search", {"text": "x", "k": 5000}),
        ("query", {"question": "  "}),
        ("extract", {"source": "../secret.txt"}),
        ("extract", {"source": "link.txt"}),
        ("extract", {"source": "/etc/passwd"}),
        ("extract", {"source": "http://127.0.0.1:9/x"}),
        ("extract", {"source": "file:///etc/passwd"}),
    ],
)
def test_what_is_not_offered_is_an_error_and_the_server_goes_on(folder: Path, call: tuple[str, dict[str, Any]]) -> None:
    refused, after = ask(stdio(folder, "-c", "team"), call, ("search", {"text": "backups"}))
    assert refused.is_error
    assert "the key is 42" not in str(refused)
    assert "root:" not in str(refused)
    assert not after.is_error


@pytest.fixture
def listening(folder: Path) -> Iterator[Callable[..., str]]:
    children: list[subprocess.Popen[str]] = []

    def start(*args: str) -> str:
        command = [
            sys.executable,
            "-m",
            "opsvi_cli",
            "mcp",
            "serve",
            "--http",
            "127.0.0.1:0",
            "--root",
            "served",
            *args,
        ]
        child = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        children.append(child)
        assert child.stderr is not None
        line = child.stderr.readline()
        found = re.search(r"http://\S+/mcp", line)
        assert found, line
        return found[0]

    yield start
    for child in children:
        child.terminate()
        child.communicate(timeout=20)


def test_http_with_a_token(listening: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVE_TOKEN", "tok-serve-1234567")
    url = listening("--token", "env:SERVE_TOKEN")
    assert httpx2.post(url, json={}).status_code == 401
    assert httpx2.post(url, json={}, headers={"authorization": "Bearer wrong"}).status_code == 401
    client = httpx2.AsyncClient(headers={"authorization": "Bearer tok-serve-1234567"})
    (found,) = ask(streamable_http_client(url, http_client=client), ("search", {"text": "kept", "collection": "team"}))
    assert "35 days" in found.structured_content["result"][0]["text"]


def test_a_page_of_another_site_is_refused(listening: Callable[..., str]) -> None:
    """DNS rebinding: the name in Host or Origin is not that of the server."""
    url = listening()
    headers = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert httpx2.post(url, json=body, headers={**headers, "host": "evil.example"}).status_code in (403, 421)
    assert httpx2.post(url, json=body, headers={**headers, "origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (("--http", "nonsense"), 2, "is not HOST:PORT"),
        (("--http", "0.0.0.0:0"), 4, "a token is needed"),
        (("--token", "env:X"), 2, "--token is for --http"),
        (("--root", "nowhere"), 2, "there is no such folder"),
    ],
)
def test_wrong_options(opsvi: Callable[..., Any], args: tuple[str, ...], code: int, says: str) -> None:
    done = opsvi("mcp", "serve", *args)
    assert done.code == code
    assert says in done.err
