"""The shell blocks of the page about usage are run with the real program, and their output is compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_usage_page_does_what_it_says(run_page: Callable[[Path], None]) -> None:
    run_page(ROOT / "docs" / "usage.md")
