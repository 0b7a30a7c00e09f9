"""The record of calls: private, in order, and nothing of it can be changed or taken out in silence."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.llm.tools.audit import AuditLog, entries, head_file


@pytest.fixture
def log(home: Path, tmp_path: Path) -> AuditLog:
    app = AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=dict(os.environ), cwd=str(tmp_path))
    return AuditLog(app)


def tools(log: AuditLog) -> list[str | None]:
    return [entry and entry["tool"] for _, entry in entries(log.path)]


def write(log: AuditLog, *names: str) -> None:
    for name in names:
        log.record("call", name, "{}")


def cut_last(log: AuditLog) -> None:
    log.path.write_bytes(b"".join(log.path.read_bytes().splitlines(keepends=True)[:-1]))


def test_a_line_that_was_cut_short_shows_and_harms_no_other(log: AuditLog) -> None:
    write(log, "one")
    with log.path.open("ab") as file:
        file.write(b'{"time": "2026-')
    write(log, "two", "three")
    assert tools(log) == ["one", None, "two", "three"]


@pytest.mark.parametrize("missing", [cut_last, lambda log: log.path.write_bytes(b""), lambda log: log.path.unlink()])
def test_what_is_gone_at_the_end_is_missed(log: AuditLog, missing: Callable[[AuditLog], object]) -> None:
    write(log, "one", "two")
    missing(log)
    assert tools(log)[-1] is None
    write(log, "three", "four")
    assert tools(log)[-2:] == [None, "four"], "what came later does not hide it"


def test_a_crash_between_the_two_files_is_no_change(log: AuditLog) -> None:
    write(log, "one", "two")
    head = head_file(log.path).read_bytes()
    write(log, "three")
    head_file(log.path).write_bytes(head)
    assert tools(log) == ["one", "two", "three"]
    write(log, "four")
    assert tools(log) == ["one", "two", "three", "four"]


def test_both_files_moved_away_begin_a_new_record(log: AuditLog) -> None:
    write(log, "one")
    log.path.unlink()
    head_file(log.path).unlink()
    assert tools(log) == []
    write(log, "two")
    assert tools(log) == ["two"]


def test_processes_write_one_after_the_other(log: AuditLog) -> None:
    program = (
        "import io; from opsvi_cli.context import AppContext; from opsvi_cli.llm.tools.audit import AuditLog\n"
        "log = AuditLog(AppContext(err=io.StringIO()))\n"
        "for number in range(20): log.record('call', 'x', '{}')"
    )
    children = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(3)]
    assert [child.wait(timeout=120) for child in children] == [0, 0, 0]
    assert tools(log) == ["x"] * 60
