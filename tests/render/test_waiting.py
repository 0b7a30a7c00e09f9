"""Before the first word of an answer: a sign of life that leaves no trace, and never over a question to the user."""

from __future__ import annotations

import os
import threading
from itertools import count
from types import SimpleNamespace

import pytest
from terminal_screen import Screen

from opsvi_cli.context import AppContext
from opsvi_cli.global_options import GlobalOptions
from opsvi_cli.render import markdown_stream
from opsvi_cli.render.markdown_stream import MarkdownWriter


class Watched(Screen):
    """Says when seconds are counted on it."""

    def __init__(self) -> None:
        super().__init__()
        self.counted = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if "…" in text:
            self.counted.set()
        return written


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """A second goes by whenever somebody looks at the clock."""
    seconds = count()
    monkeypatch.setattr(markdown_stream, "_TICK", 0.01)
    monkeypatch.setattr(markdown_stream, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))
    return Watched()


def writer_on(screen: Screen, *, quiet: bool = False) -> tuple[AppContext, MarkdownWriter]:
    app = AppContext(
        out=screen, err=screen, stdin=None, env={"TERM": "xterm-256color"}, options=GlobalOptions(quiet=quiet)
    )
    return app, MarkdownWriter(app)


def test_seconds_are_counted_until_the_first_word_and_again_after_a_message(screen: Watched) -> None:
    app, writer = writer_on(screen)
    writer.wait()
    assert screen.counted.wait(30)
    app.err.write("a tool was called\n")
    screen.counted.clear()
    assert screen.counted.wait(30)
    writer("the answer")
    writer.end_line()
    assert screen.text == "a tool was called\nthe answer"


def test_an_answer_that_never_comes_leaves_nothing(screen: Watched) -> None:
    app, writer = writer_on(screen)
    writer.wait()
    assert screen.counted.wait(30)
    writer.end_line()
    assert screen.text == ""
    assert app.err is screen


def test_nothing_is_drawn_over_a_question_or_under_quiet(screen: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = threading.Semaphore(0)
    begun = MarkdownWriter._wind
    monkeypatch.setattr(MarkdownWriter, "_wind", lambda self: (begun(self), ticks.release())[0])
    app, writer = writer_on(screen)
    writer.wait()
    app.err.write("Call the tool? [y/N] ")
    for _ in range(5):
        assert ticks.acquire(timeout=30)
    assert screen.text.endswith("Call the tool? [y/N]")
    writer.end_line()
    _, silent = writer_on(screen, quiet=True)
    silent.wait()
    assert not ticks.acquire(timeout=0.2)
    silent.end_line()


def test_keys_are_echoed_for_questions_only() -> None:
    termios = pytest.importorskip("termios")
    master, slave = os.openpty()
    with os.fdopen(slave, encoding="utf-8") as stdin, os.fdopen(master, "wb"):
        app = AppContext(out=Screen(), err=Screen(), stdin=stdin, env={"TERM": "xterm-256color"})
        writer = MarkdownWriter(app)

        def echoes() -> bool:
            return bool(termios.tcgetattr(slave)[3] & termios.ECHO)

        assert echoes()
        writer.wait()
        assert not echoes()
        app.err.write("a note\n")
        assert not echoes()
        app.err.write("Call the tool? ")
        assert echoes()
        writer("the answer")
        assert not echoes()
        writer.end_line()
        assert echoes()
