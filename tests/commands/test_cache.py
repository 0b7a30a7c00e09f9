"""`opsvi cache`: what is kept, and how it is forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jsonschema import validate

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
STATS = json.loads((GOLDEN / "cache-stats.schema.json").read_text())
CLEAR = json.loads((GOLDEN / "cache-clear.schema.json").read_text())


def test_stats_clear_and_prune(opsvi: Callable[..., Any], home: Path) -> None:
    nothing = opsvi("cache", "stats", "--json")
    assert (nothing.code, nothing.json) == (0, [])
    assert not list(home.rglob("cache.db"))
    assert opsvi("embed", "disk full").code == 0
    assert opsvi("query", "hi there", "-m", "echo", "--cache").code == 0
    assert opsvi("query", "hi you", "-m", "echo", "--cache", env={"OPSVI_ANSWERS__TTL_HOURS": "0"}).code == 0
    stats = opsvi("cache", "stats", "--json").json
    validate(stats, STATS)
    assert {row["namespace"]: row["entries"] for row in stats} == {"answers": 2, "embeddings": 1}
    assert opsvi("cache", "stats").out.splitlines()[0].startswith("answers\t2\t")

    pruned = opsvi("cache", "prune", "--json").json
    validate(pruned, CLEAR)
    assert pruned["removed"] == 1
    assert pruned["bytes"] > 0
    assert opsvi("cache", "clear", "answers").out == "removed 1 entry\n"
    assert opsvi("cache", "clear", "--json").json["removed"] == 1
    assert opsvi("cache", "clear").out == "removed 0 entries\n"
    assert opsvi("cache", "stats", "--json").json == []
    assert opsvi("cache", "clear", "answers-similar").code == 0
    typo = opsvi("cache", "clear", "answer")
    assert (typo.code, typo.out) == (2, "")
    assert "nothing of the kind 'answer' is kept" in typo.err


def test_a_file_that_cannot_be_written_is_an_error(opsvi: Callable[..., Any], home: Path) -> None:
    opsvi("embed", "disk full")
    (path,) = home.rglob("cache.db")
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.mkdir()
    done = opsvi("cache", "clear")
    assert done.code == 1
    assert "cannot be written" in done.err
