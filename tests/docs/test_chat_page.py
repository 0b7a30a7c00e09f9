"""The shell blocks of the page about the chat are run with the real program, and their output is compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from opsvi_cli.render.chat_table import COMMANDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "chat.md"


def test_chat_page_does_what_it_says(run_page: Callable[[Path], None]) -> None:
    run_page(PAGE)


def test_chat_page_names_every_slash_command() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"`{name}" not in text] == []
