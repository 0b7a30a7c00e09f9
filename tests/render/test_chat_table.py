"""The list of slash commands fits the terminal."""

from __future__ import annotations

import pytest

from opsvi_cli.render.chat_table import COMMANDS, help_text


@pytest.mark.parametrize("width", [50, 79, 200])
def test_help_breaks_between_words(width: int) -> None:
    text = help_text(width)
    assert all(len(line) <= width for line in text.splitlines())
    assert all(name in text for name in COMMANDS)
    assert " ".join(COMMANDS["/attach"][1].split()) in " ".join(text.split())
