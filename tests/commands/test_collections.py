"""`opsvi collections`: JSON shapes, checks, and nothing destroyed without a yes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Run = Callable[..., Any]


def valid(name: str, value: Any) -> Any:
    jsonschema.validate(value, json.loads((GOLDEN / f"collections-{name}.schema.json").read_text()))
    return value


def test_nothing_there_yet(opsvi: Run, home: Path) -> None:
    for args, wanted in ((["--json"], "[]\n"), (["--jsonl"], ""), ([], "")):
        result = opsvi("collections", "list", *args)
        assert (result.code, result.out) == (0, wanted)
    assert opsvi("collections", "check", "--json").json == []
    for args in (["show"], ["documents"], ["check", "default"], ["delete", "default", "--yes"], ["rename", "a", "b"]):
        result = opsvi("collections", *args)
        assert (result.code, result.out) == (1, ""), args
        assert "there is no collection" in result.err
    assert not (home / "data").exists()


def test_list_show_documents(opsvi: Run, ops_collection: object) -> None:
    (row,) = valid("list", opsvi("collections", "list", "--json").json)
    assert (row["name"], row["store"], row["documents"]) == ("default", "local", 3)
    shown = valid("show", opsvi("collections", "show", "--json").json)
    assert {key: shown[key] for key in row} == row
    assert shown["settings"]["embedder"] == "hash"
    documents = valid("documents", opsvi("collections", "documents", "--json").json)
    assert [row["source"] for row in documents] == sorted(row["source"] for row in documents)
    assert sum(row["chunks"] for row in documents) == row["chunks"]
    some = opsvi("collections", "documents", "default", "--where", 'source ~ "*.eml"', "--jsonl").jsonl
    assert [Path(row["source"]).name for row in some] == ["incident.eml"]
    assert opsvi("collections", "documents", "--where", "x =").code == 2


def test_people_and_pipes(opsvi: Run, ops_collection: object) -> None:
    assert opsvi("collections", "list").out.split("\t")[:2] == ["default", "3"]
    shown = opsvi("collections", "show", "default").out
    assert "documents      3\n" in shown
    assert len(opsvi("collections", "documents").out.splitlines()) == 3


def test_check(opsvi: Run, ops_collection: object, home: Path) -> None:
    good = opsvi("collections", "check", "--json")
    assert good.code == 0
    assert valid("check", good.json) == [{"collection": "default", "ok": True, "findings": []}]
    people = opsvi("collections", "check")
    assert (people.code, people.out) == (0, "")
    assert "is sound" in people.err
    path = home / "data/collections/default/collection.db"
    path.write_bytes(path.read_bytes()[:9000])
    bad = opsvi("collections", "check", "default", "--json")
    assert bad.code == 1
    assert valid("check", bad.json)[0]["findings"]
    people = opsvi("collections", "check")
    assert people.code == 1
    assert people.out.startswith("default\t")
    assert "opsvi: not sound: default\nhint: " in people.err


def test_delete_asks(opsvi: Run, ops_collection: object) -> None:
    for args in ([], ["--no-input"]):
        result = opsvi("collections", "delete", "default", *args, stdin="y\n")
        assert (result.code, result.out) == (2, "")
        assert "--yes" in result.err
        assert "3 documents" in result.err
    assert opsvi("collections", "list", "--json").json[0]["documents"] == 3
    done = opsvi("collections", "delete", "default", "--yes")
    assert (done.code, done.out) == (0, "")
    assert opsvi("collections", "list", "--json").json == []
    assert opsvi("search", "backup", "--json").json == []


def test_a_damaged_collection_can_be_deleted(opsvi: Run, ops_collection: object, home: Path) -> None:
    (home / "data/collections/default/collection.db").write_bytes(b"x" * 5000)
    assert opsvi("search", "backup").code == 1
    assert opsvi("collections", "delete", "default", "-y").code == 0
    assert opsvi("collections", "list", "--json").json == []


def test_rename(opsvi: Run, ops_collection: object) -> None:
    assert opsvi("collections", "rename", "default", "ops").code == 0
    assert opsvi("collections", "show", "ops", "--json").json["name"] == "ops"
    assert opsvi("search", "backup", "-c", "ops", "--json").json
    for new in ("../x", "X", ""):
        assert opsvi("collections", "rename", "ops", new).code == 2


def test_list_is_cheap(ops_collection: object) -> None:
    heavy = ["numpy", "faiss", "pydantic", "rich", "httpx2", "openai", "filelock", "tokenizers", "asyncio"]
    script = (
        "import sys\nfrom opsvi_cli.app import main\n"
        "assert main(['collections', 'list']) == 0\n"
        f"sys.stderr.write(' '.join(sorted(set({heavy!r}) & sys.modules.keys())))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=100)
    assert done.stdout.startswith("default\t3\t")
    assert done.stderr == ""
