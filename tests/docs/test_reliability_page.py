"""The page about failing servers is run with the real program, and names the kinds of errors that there are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from opsvi_cli.errors import ProviderError

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def test_the_page_does_what_it_says(run_page: Callable[[Path], None]) -> None:
    run_page(PAGE)


def test_the_table_of_kinds_is_complete() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|.*\| (\w+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {kind for kind, _ in rows} == ProviderError.KINDS | {"auth", "cancelled"}
    assert {kind for kind, again in rows if again == "yes"} == ProviderError.RETRYABLE


def test_the_numbers_are_the_defaults() -> None:
    from opsvi_cli.foundation.schema import Root

    text, root = PAGE.read_text(encoding="utf-8"), Root()
    for group, name, number in re.findall(r"^\| `(http|resilience)\.(\w+)` \| (\d+) \|", text, re.MULTILINE):
        assert getattr(getattr(root, group), name) == float(number), name
    for name, number in re.findall(r"`resilience\.(\w+)`[^`(]*\((\d+)", text):
        assert getattr(root.resilience, name) == float(number), name
