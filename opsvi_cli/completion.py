"""Answers to TAB, without Typer."""

from __future__ import annotations

from collections.abc import Sequence


def answer(words: Sequence[str]) -> str:
    """The values that may stand where the cursor is, a line each."""
    return ""
