"""`opsvi ingest --pii`: what is stored when documents hold personal data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
TEXT = (
    "# Contacts\n\nWrite to ana@example.org.\n\n# Bank\n\nAccount DE89 3704 0044 0532 0130 00, ask ana@example.org.\n"
)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "clean.md").write_text("# Rota\n\nNobody is named here.\n")
    (folder / "contacts.md").write_text(TEXT)
    return folder


def ingest(opsvi: Run, *flags: str) -> Any:
    return opsvi("ingest", "docs", "--embedder", "hash", "--json", *flags)


def statuses(done: Any) -> dict[str, str]:
    return {Path(row["source"]).name: row["status"] for row in done.json["documents"]}


def test_redact(opsvi: Run, docs: Path, home: Path) -> None:
    done = ingest(opsvi, "--pii", "redact")
    assert done.code == 0
    assert statuses(done) == {"clean.md": "added", "contacts.md": "added"}
    (row,) = [row for row in done.json["documents"] if row["source"].endswith("contacts.md")]
    assert row["reason"] == "personal data replaced: 1 x IBAN, 1 x e-mail address"
    hits = opsvi("search", "account", "--json", "-k", "9").json
    (hit,) = [hit for hit in hits if "Account" in hit["text"]]
    assert "Account [IBAN_1], ask [EMAIL_1]." in hit["text"]
    stored = TEXT.replace("ana@example.org", "[EMAIL_1]").replace("DE89 3704 0044 0532 0130 00", "[IBAN_1]")
    assert stored[hit["start"] : hit["end"]] == hit["text"]
    assert b"ana@example" not in b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())


def test_what_was_stored_before_is_read_again(opsvi: Run, docs: Path) -> None:
    assert statuses(ingest(opsvi))["contacts.md"] == "added"
    assert statuses(ingest(opsvi, "--pii", "warn"))["contacts.md"] == "unchanged"
    assert statuses(ingest(opsvi, "--pii", "redact"))["contacts.md"] == "updated"
    assert statuses(ingest(opsvi, "--pii", "redact"))["contacts.md"] == "unchanged"


def test_block(opsvi: Run, docs: Path) -> None:
    done = ingest(opsvi, "--pii", "block")
    assert done.code == 3
    assert statuses(done) == {"clean.md": "added", "contacts.md": "failed"}
    assert "ana@" not in done.out + done.err
    assert "it holds personal data: 1 x IBAN, 1 x e-mail address" in done.out
    assert opsvi("search", "account", "--json", "--where", 'source ~ "*contacts.md"').json == []


def test_warn_stores_it_as_it_is(opsvi: Run, docs: Path) -> None:
    done = ingest(opsvi, "--pii", "warn")
    assert done.code == 0
    assert "personal data found: 1 x IBAN, 1 x e-mail address" in done.out
    assert any("ana@example.org" in hit["text"] for hit in opsvi("search", "write", "--json").json)


def test_a_mode_that_is_none(opsvi: Run, docs: Path) -> None:
    assert ingest(opsvi, "--pii", "hide").code == 2
