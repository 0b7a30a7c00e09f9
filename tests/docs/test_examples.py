"""The sample documents: reproducible bytes, and questions that are answered from the right file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
QUESTIONS = [json.loads(line) for line in (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()]


def test_binary_samples_are_reproduced_byte_for_byte(make_documents: ModuleType, tmp_path: Path) -> None:
    written = make_documents.make(tmp_path)
    assert {path.suffix for path in written} == {".pdf", ".docx"}
    for path in written:
        committed = EXAMPLES / "documents" / path.relative_to(tmp_path)
        assert path.read_bytes() == committed.read_bytes(), f"run examples/make_documents.py: {committed}"


def test_every_binary_sample_has_a_source(make_documents: ModuleType) -> None:
    committed = {path for path in (EXAMPLES / "documents").rglob("*") if path.suffix in (".pdf", ".docx")}
    assert committed == {EXAMPLES / "documents" / target for target in make_documents.TARGETS.values()}


def test_samples_cover_the_formats() -> None:
    suffixes = {path.suffix for path in (EXAMPLES / "documents").rglob("*") if path.is_file()}
    assert suffixes == {".pdf", ".docx", ".html", ".md", ".csv", ".json", ".jsonl", ".eml", ".txt"}


def test_pdf_samples_open_in_strict_mode() -> None:
    from pypdf import PdfReader

    pages = {}
    for path in (EXAMPLES / "documents").rglob("*.pdf"):
        reader = PdfReader(path, strict=True)
        pages[path.name] = len(reader.pages)
        assert reader.metadata is not None
        assert reader.metadata.title
        assert reader.outline
    assert max(pages.values()) >= 3


def test_questions_name_files_that_exist() -> None:
    assert len(QUESTIONS) >= 15
    for row in QUESTIONS:
        assert set(row) == {"question", "answer_contains", "source"}
        assert (EXAMPLES / "documents" / row["source"]).is_file(), row["source"]


@pytest.fixture(scope="module")
def examples_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which the samples were ingested once, by the real program."""
    import os
    import subprocess
    import sys

    home = tmp_path_factory.mktemp("examples")
    done = subprocess.run(
        [sys.executable, "-m", "opsvi_cli", "ingest", "examples/documents", "-c", "examples", "--json"],
        cwd=ROOT,
        env={**os.environ, "OPSVI_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    files = sum(path.is_file() for path in (EXAMPLES / "documents").rglob("*"))
    assert report["counts"]["added"] >= files, report["counts"]
    assert report["counts"]["failed"] == report["counts"]["skipped"] == 0
    return home


@pytest.mark.parametrize("row", QUESTIONS, ids=[row["source"] for row in QUESTIONS])
def test_questions_are_answered_with_the_right_source(
    row: dict[str, str], examples_home: Path, opsvi: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPSVI_HOME", str(examples_home))
    result = opsvi("query", row["question"], "-c", "examples", "--no-llm", "--json")
    assert result.code == 0, result.err
    answer = result.json
    assert row["answer_contains"] in " ".join(answer["answer"].split()), answer["answer"]
    assert any(citation["source"].endswith(row["source"]) for citation in answer["citations"]), answer["citations"]
