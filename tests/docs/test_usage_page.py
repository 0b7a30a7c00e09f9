"""The shell blocks of the pages about usage and personal data are run, and their output is compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_usage_page_does_what_it_says(run_page: Callable[[Path], None]) -> None:
    run_page(ROOT / "docs" / "usage.md")


def test_personal_data_page_does_what_it_says(run_page: Callable[[Path], None]) -> None:
    run_page(ROOT / "docs" / "personal-data.md")


def test_the_page_names_every_kind_that_is_found() -> None:
    from opsvi_cli.llm.pii_kinds import KINDS

    text = (ROOT / "docs" / "personal-data.md").read_text(encoding="utf-8")
    assert all(f"`{kind}`" in text for kind in KINDS)
