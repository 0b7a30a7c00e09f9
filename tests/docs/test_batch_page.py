"""The shell blocks of the page about batches are run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from opsvi_cli.llm import batch

PAGE = Path(__file__).resolve().parents[2] / "docs" / "batch.md"


def test_batch_page_does_what_it_says(run_page: Callable[[Path], None]) -> None:
    run_page(PAGE)


def test_the_page_names_every_field_of_a_line() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}`" in text or f'"{name}"' in text for name in batch._FIELDS)
