"""The shell blocks of the page about prompts are run with the real program, and their output is compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_prompts_page_does_what_it_says(run_page: Callable[[Path], None]) -> None:
    run_page(ROOT / "docs" / "prompts.md")
