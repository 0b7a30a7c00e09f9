"""Ingests that end badly: killed, interrupted, out of disk. What was committed stays; a second run finishes."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FILES = 220


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for n in range(FILES):
        (folder / f"f{n:03}.md").write_text(f"# File {n}\n\nServer {n} is restarted with care. " * (1 + n % 7))
    return folder


def start(docs: Path, *args: str, **kwargs: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "opsvi_cli", "ingest", str(docs), "--embedder", "hash", "--jsonl", *args]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, **kwargs
    )


def read_lines(process: subprocess.Popen[str], count: int) -> int:
    assert process.stdout is not None
    return sum(1 for _ in range(count) if process.stdout.readline().endswith("\n"))


def documents(opsvi_process: Any) -> list[dict[str, Any]]:
    done = opsvi_process("collections", "documents", "default", "--json")
    return json.loads(done.out) if done.code == 0 else []


def check_finished(opsvi_process: Any, docs: Path) -> None:
    """A second run makes it whole: every file once, and a sound collection."""
    done = opsvi_process("ingest", docs, "--embedder", "hash", "--json")
    assert done.code == 0, done.err
    counts = done.json["counts"]
    assert counts["added"] + counts["unchanged"] == FILES
    rows = documents(opsvi_process)
    assert len({row["source"] for row in rows}) == len(rows) == FILES
    checked = opsvi_process("collections", "check", "default")
    assert checked.code == 0, checked.out + checked.err
    assert opsvi_process("ingest", docs, "--json").json["counts"]["unchanged"] == FILES


@pytest.mark.parametrize("lines", [1, 100])
def test_killed_after_a_commit(opsvi_process: Any, docs: Path, lines: int) -> None:
    process = start(docs)
    seen = read_lines(process, lines)
    process.kill()
    process.communicate()
    assert len(documents(opsvi_process)) >= seen
    check_finished(opsvi_process, docs)


def test_killed_at_any_moment(opsvi_process: Any, docs: Path) -> None:
    chance = random.Random(7)
    for _ in range(4):
        process = start(docs)
        time.sleep(chance.uniform(0.1, 1.2))
        process.kill()
        process.communicate()
    check_finished(opsvi_process, docs)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(condition: Callable[[], bool]) -> bool:
    for _ in range(200):
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_end_it_with_its_workers(opsvi_process: Any, docs: Path, number: int, code: int) -> None:
    for n in range(30):  # JSON is read by worker processes
        (docs / f"w{n:02}.json").write_text(json.dumps({"text": f"Worker text {n}. " * 50}))
    process = start(docs)
    seen = read_lines(process, 64)
    process.send_signal(number)
    _out, err = process.communicate(timeout=60)
    assert seen == 64
    assert process.returncode == code
    assert "Traceback" not in err
    assert wait_until(lambda: not alive(process.pid))
    assert len(documents(opsvi_process)) >= seen
    for file in docs.glob("*.json"):
        file.unlink()
    assert opsvi_process("ingest", docs, "--sync", "-q").code == 0
    check_finished(opsvi_process, docs)


def test_a_full_disk_is_said_and_the_next_run_goes_on(opsvi_process: Any, docs: Path) -> None:
    assert opsvi_process("ingest", docs / "f000.md", "--embedder", "hash", "-q").code == 0

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    process = start(docs, preexec_fn=limit)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 1, err
    assert json.loads(err.splitlines()[-1])["error"]["code"] == "store"
    assert documents(opsvi_process)
    assert opsvi_process("search", "server restarted", "--json").code == 0
    check_finished(opsvi_process, docs)


def test_an_unchanged_ingest_imports_nothing_heavy(modules_of: Any, opsvi_process: Any, docs: Path) -> None:
    assert opsvi_process("ingest", docs, "--embedder", "hash", "-q").code == 0
    heavy = {"numpy", "faiss", "trafilatura", "pypdf", "lxml", "docx", "tokenizers", "httpx2", "openai", "pydantic"}
    assert not modules_of("ingest", docs) & (heavy | {"rich", "bs4", "wordllama", "chardet", "pathspec"})
