"""Streamed text on a terminal: nothing of an escape sequence comes through, wherever the pieces are cut."""

from __future__ import annotations

import io

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.render.answers import TextWriter, short_source

HOSTILE = "a\x1b[31mred\x1b[0m b\x1b]0;title\x07c\x1b]52;c;AAAA\x1b\\d\x9b1me\r\nf\x1bPq\x1b\\g"
SAFE = "ared bcde\nfg"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_sequences_cut_by_pieces_are_taken_out(size: int) -> None:
    out = Terminal()
    writer = TextWriter(AppContext(out=out, stdin=None))
    for at in range(0, len(HOSTILE), size):
        writer(HOSTILE[at : at + size])
    writer.end_line()
    assert out.getvalue() == SAFE + "\n"


def test_a_pipe_gets_the_text_as_it_is() -> None:
    out = io.StringIO()
    writer = TextWriter(AppContext(out=out, stdin=None))
    writer(HOSTILE)
    writer.end_line()
    assert out.getvalue() == HOSTILE + "\n"


def test_a_sequence_that_never_ends_does_not_hold_text_back_for_ever() -> None:
    out = Terminal()
    writer = TextWriter(AppContext(out=out, stdin=None))
    writer("\x1b]0;")
    for _ in range(100):
        writer("x" * 100)
    writer("\x07after")
    writer.end_line()
    assert out.getvalue().endswith("after\n")


def test_sources_are_relative_where_that_is_shorter() -> None:
    app = AppContext(out=io.StringIO(), stdin=None, cwd="/data/docs")
    assert short_source(app, "/data/docs/a/b.md") == "a/b.md"
    assert short_source(app, "/other/b.md") == "/other/b.md"
    assert short_source(app, "https://x/y") == "https://x/y"
