"""The command through opsvi, on a collection of three documents."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TEXTS = {
    "handbook.md": "# Backup\n\nDaily backups are kept for 35 days.\n",
    "copy.md": "# Backup\n\nDaily backups are kept for 35 days.\n",
    "other.md": "# Lunch\n\nThe canteen opens at noon.\n",
}


@pytest.fixture
def collection(opsvi: Callable[..., Any], tmp_path: Path) -> None:
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text)
    done = opsvi("ingest", *TEXTS, "-c", "team", cwd=tmp_path)
    assert done.code == 0, done.err


def test_the_copy_is_found(opsvi: Callable[..., Any], collection: None) -> None:
    (pair,) = opsvi("twins", "-c", "team", "--json").json
    assert pair["score"] > 0.99
    assert {Path(pair["source"]).name, Path(pair["other_source"]).name} == {"handbook.md", "copy.md"}
    assert len(opsvi("twins", "-c", "team", "--at-least", "0", "--jsonl").jsonl) >= 2


def test_it_keeps_to_the_manners_of_opsvi(opsvi: Callable[..., Any], collection: None) -> None:
    line = opsvi("twins", "-c", "team").out
    assert line.count("\t") == 4
    assert list(opsvi("twins", "-c", "team", "--json=score,source").json[0]) == ["score", "source"]
    assert opsvi("twins", "-c", "team", "--json=nope").code == 2
    missing = opsvi("twins", "-c", "nothing")
    assert missing.code == 1
    assert missing.err.startswith("opsvi: there is no collection 'nothing'\nhint: ")


def test_nothing_alike_is_no_failure(opsvi: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("Alone.\n")
    opsvi("ingest", "one.md", cwd=tmp_path)
    done = opsvi("twins")
    assert (done.code, done.out) == (0, "")
    assert "no two passages" in done.err
