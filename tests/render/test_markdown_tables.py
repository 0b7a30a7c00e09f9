"""Tables and deep lists of an answer in windows of any width: nothing of the text is cut off."""

from __future__ import annotations

import io

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.render.live_lines import visible
from opsvi_cli.render.markdown_blocks import Renderer

URL = "https://example.org/" + "a-long-path/" * 8 + "end"
CHINESE = "非常に長い日本語の文章" * 6


def shown(text: str, width: int) -> list[str]:
    app = AppContext(out=io.StringIO(), err=io.StringIO(), env={"TERM": "xterm-256color"})
    return [visible(line) for line in Renderer(app, width).markdown(text)]


def letters(text: str | list[str]) -> str:
    return "".join("".join(text).split())


def test_words_wider_than_their_column_are_broken_not_cut() -> None:
    lines = shown(f"| where | what |\n|---|---|\n| {URL} | {CHINESE} |\n| a | b |\n", 50)
    assert letters(lines).count("/") == URL.count("/")
    assert letters(lines).count("章") == CHINESE.count("章")
    assert "…" not in letters(lines)


@pytest.mark.parametrize("width", [29, 12])
def test_more_columns_than_can_be_read_become_lists(width: int) -> None:
    lines = shown("| name | role | place | note |\n|---|---|---|---|\n| Mara | lead | Bern | on call |\n", width)
    assert "name: Mara" in lines
    assert "note:oncall" in letters(lines)


def test_cells_beyond_the_header_are_kept() -> None:
    lines = shown("> | flag | means |\n> |---|---|\n> | `a|b` | either one |\n> | `c` | plain |\n", 60)
    assert "either one" in "\n".join(lines)
    assert sum("plain" in line for line in lines) == 1


@pytest.mark.parametrize("mark", ["- ", "> ", "1. "])
def test_what_is_nested_too_deep_for_the_window_is_shown_as_it_is(mark: str) -> None:
    assert "words" in letters(shown(mark * 9 + "words\n", 14))
