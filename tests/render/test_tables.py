"""Tables on a terminal: what is short stays in one line, what is long takes the rest, nothing is cut."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.render.tables import print_table

Draw = Callable[..., list[str]]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def drawn(home: Path, monkeypatch: pytest.MonkeyPatch) -> Draw:
    def draw(width: int, *rows: tuple[str, ...]) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        out = _Terminal()
        env = {**os.environ, "NO_COLOR": "1"}
        app = AppContext(out=out, err=io.StringIO(), stdin=None, env=env, cwd="/")
        print_table(app, [f"column_{n}" for n in range(len(rows[0]))], rows)
        lines = [line.rstrip() for line in out.getvalue().splitlines()]
        return lines[next(n for n, line in enumerate(lines) if line.startswith("─")) + 1 :]

    return draw


def test_short_cells_are_not_folded_for_a_long_one(drawn: Draw) -> None:
    lines = drawn(60, ("2026-11-24 14:03", "openai/gpt-5-mini", "word " * 30))
    assert lines[0].startswith("2026-11-24 14:03   openai/gpt-5-mini   word word")
    assert "".join(lines).count("word") == 30


def test_numbers_stand_below_each_other(drawn: Draw) -> None:
    lines = drawn(60, ("a", "5", "~$0.5000"), ("b", "1,234", "$12.00"), ("c", "", "unknown"))
    assert lines[0].index("5  ") == lines[1].index("4  ")
    assert [line.split() for line in lines] == [["a", "5", "~$0.5000"], ["b", "1,234", "$12.00"], ["c", "unknown"]]


def test_where_there_is_no_room_everything_folds_and_nothing_is_lost(drawn: Draw) -> None:
    lines = drawn(20, ("abcdefghijklmnop", "qrstuvwxyz012345", "6789"))
    assert all(len(line) <= 20 for line in lines)
    assert sorted("".join(lines).replace(" ", "")) == sorted("abcdefghijklmnopqrstuvwxyz0123456789")
