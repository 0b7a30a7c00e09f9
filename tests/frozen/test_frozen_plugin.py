"""A plugin of API 1.0, frozen: it has one part of every kind and every hook of that version, and works for ever.

Its files are never edited: an opsvi in which it fails has broken its promise to plugins (a new major of `sdk.API`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.sdk import KINDS, Hooks
from opsvi_cli.testing import check_agent_adapter, check_secret_store, check_store, check_tool

HERE = Path(__file__).resolve().parent
HOOKS = {
    "opsvi_register",
    "opsvi_select_processor",
    "opsvi_documents",
    "opsvi_chunks",
    "opsvi_hits",
    "opsvi_prompt",
    "opsvi_event",
    "opsvi_health",
}
"""Of API 1.0. A later minor version may add hooks; the frozen plugin will not have them."""


def files() -> list[Path]:
    found = [path for path in HERE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return [path for path in sorted(found) if path.parent != HERE]


def test_the_files_are_those_of_api_1_0() -> None:
    now = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(HERE).as_posix()}" for path in files()]
    assert now == (HERE / "SHA256SUMS").read_text().splitlines()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What an installed wheel leaves behind: the package and its dist-info, in a directory of the module path."""
    folder = tmp_path / "site"
    for path in files():
        target = folder / path.relative_to(HERE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "opsvi_frozen"]:
        del sys.modules[name]


@pytest.fixture
def calls(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], set[str]]:
    """The hooks that were called so far."""
    path = tmp_path / "calls"
    monkeypatch.setenv("FROZEN_CALLS", str(path))
    return lambda: {line.split(" ")[0] for line in path.read_text().splitlines()} if path.exists() else set()


@pytest.fixture
def app(site: Path, home: Path, tmp_path: Path) -> AppContext:
    return AppContext(env=dict(os.environ), cwd=str(tmp_path), stdin=None)


def test_it_is_ok_and_has_every_kind_and_hook(site: Path, opsvi: Callable[..., Any]) -> None:
    (row,) = [row for row in opsvi("plugins", "list", "--json").json if row["name"] == "frozen"]
    assert (row["status"], row["error"], row["version"]) == ("ok", None, "1.0")
    record = opsvi("plugins", "info", "frozen", "--json").json
    assert record["api"] == "1.0"
    assert set(record["hooks"]) == HOOKS
    assert {name for name in dir(Hooks) if name.startswith("opsvi_")} >= HOOKS
    assert {part["kind"] for part in record["parts"]} == set(KINDS)


def test_its_parts_work_through_the_commands(
    site: Path, calls: Callable[[], set[str]], opsvi: Callable[..., Any], tmp_path: Path
) -> None:
    note = tmp_path / "note.frozen"
    note.write_text("FROZEN\nThe first line.\nThe second line is longer.\ndrop this line\n")
    asked = opsvi("prompt", "hello", "-m", "frozen/capitals")
    assert (asked.code, asked.out.split()) == (0, ["HELLO", "INDEED"]), asked.err
    assert "frozen/capitals" in opsvi("models").out
    vector = opsvi("embed", "abc", "--embedder", "frozen", "--json").json[0]["embedding"]
    assert len(vector) == 26
    assert opsvi("extract", note).out == "The first line.\nThe second line is longer.\ndrop this line\n"
    parts = ("--embedder", "frozen", "--chunker", "frozen", "--store", "frozen")
    done = opsvi("ingest", note, *parts, "-c", "cold")
    assert done.code == 0, done.err
    (shown,) = [row for row in opsvi("collections", "list", "--json").json if row["name"] == "cold"]
    assert (shown["store"], shown["documents"], shown["chunks"]) == ("frozen", 1, 2)
    hits = opsvi("search", "line", "-c", "cold", "--rerank", "frozen", "--json", "--where", "frozen=true").json
    assert [hit["text"] for hit in hits] == ["The first line.", "The second line is longer."]
    assert hits[0]["page"] == 1
    assert opsvi("secrets", "test", "frozen:db").code == 0
    assert opsvi("frozen-say", "hello").out == "hello, frozen-say\n"
    made = opsvi("new-library", "ice-core", "--template", "plugin:frozen", "--no-input")
    assert made.code == 0, made.err
    assert (tmp_path / "ice-core" / "ice_core" / "__init__.py").read_text() == '"""Does something"""\n'
    assert "still frozen" in opsvi("doctor").out
    assert calls() == HOOKS - {"opsvi_register"}


def test_its_parts_that_no_command_uses(app: AppContext) -> None:
    check_tool(app.part("tool", "frozen"), {"a": 1, "b": 2})
    check_agent_adapter(app.part("agent_adapter", "frozen"))
    check_secret_store(app.part("secret_store", "frozen"), "db")
    for kind in ("cache", "executor", "exporter"):
        assert app.part(kind, "frozen").name == "frozen"  # type: ignore[arg-type]


def test_a_store_of_its_own_kept_the_contract_of_1_0(app: AppContext, tmp_path: Path) -> None:
    from dataclasses import replace
    from itertools import count

    places = count()
    target = app.plugins.load("store", "frozen")
    services = app.foundation.for_part("store", "frozen", {})
    check_store(lambda: target(replace(services, data_dir=tmp_path / str(next(places)))))


@pytest.mark.slow
def test_the_check_finds_nothing_wrong(site: Path, opsvi: Callable[..., Any]) -> None:
    done = opsvi("plugins", "check", "frozen", "--json", "--strict")
    assert done.code == 0, done.out + done.err
    found = {row["check"]: (row["status"], row["detail"]) for row in done.json}
    assert found["licence"] == ("ok", "MIT")
    assert found["permissions"] == ("ok", "files")
    skipped = {check for check, (status, _) in found.items() if status == "skipped"}
    assert skipped == {"secret_store:frozen", "cache:frozen", "executor:frozen", "exporter:frozen"}
    assert {check.partition(":")[0] for check in found if ":" in check} == set(KINDS)
