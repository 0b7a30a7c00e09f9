"""Answers in Markdown while they stream: what stands on the screen in the end, however the pieces were cut."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable

import pytest
from terminal_screen import Screen

from opsvi_cli.context import AppContext
from opsvi_cli.global_options import GlobalOptions
from opsvi_cli.render import markdown_stream
from opsvi_cli.render.answers import TextWriter, answer_writer
from opsvi_cli.render.markdown_stream import MarkdownWriter

DOCUMENT = """\
# Backup plan

Backups are **kept for ninety days**, see [the page](https://example.org/x) and <https://a.example>.
Second line with `code` and <b>html</b> and ![a picture](http://x.example/y.png).

1. first item
2. second item that is long enough to be wrapped in a narrow window, and then some more
   - nested one
   - nested two
3. third

| Name | Role | Note |
|---|---:|---|
| Mara | lead | on call on Sundays |
| Tom | dev | 日本語 |

```python
def f(x: int) -> str:
    return f"{x}"
```

> a quote
> goes on

[1]: http://not.lost.example

Bye [1].
"""
WORDS = ("Backup plan", "ninety days", "https://example.org/x", "https://a.example", "<b>html</b>", "a picture",
         "http://x.example/y.png", "first item", "some more", "nested two", "third", "Mara", "日本語",
         'return f"{x}"', "a quote", "[1]: http://not.lost.example", "Bye [1].")  # fmt: skip
Write = Callable[..., Screen]


def words_of(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch) -> Write:
    """Stream pieces to a screen of the given size; every piece is drawn."""
    monkeypatch.setattr(markdown_stream, "_PAUSE", 0.0)
    monkeypatch.setattr(markdown_stream, "_COSTS", 0)

    def call(pieces: list[str] | str, *, columns: int = 80, rows: int = 24, color: str = "auto") -> Screen:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("LINES", str(rows))
        screen = Screen(columns, rows)
        writer = MarkdownWriter(app_of(screen, color=color))
        for piece in pieces:
            writer(piece)
        writer.end_line()
        return screen

    return call


def app_of(screen: Screen, *, color: str = "auto", **env: str) -> AppContext:
    options = GlobalOptions(color=color)
    return AppContext(out=screen, err=screen, stdin=None, env={"TERM": "xterm-256color", **env}, options=options)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (34, 10), (200, 5)])
def test_the_same_stands_there_however_the_text_was_cut(write: Write, columns: int, rows: int) -> None:
    whole = write([DOCUMENT], columns=columns, rows=rows).text
    assert write(words_of(DOCUMENT), columns=columns, rows=rows).text == whole
    letters = [DOCUMENT[n : n + 3] for n in range(0, len(DOCUMENT), 3)]
    assert write(letters, columns=columns, rows=rows).text == whole


def test_nothing_of_the_text_is_lost_and_nothing_is_there_twice(write: Write) -> None:
    text = write(words_of(DOCUMENT)).text
    for words in WORDS:
        assert text.count(words) == 1, words
    assert "**" not in text
    assert "# Backup" not in text


def test_a_narrow_window_shows_all_of_it(write: Write) -> None:
    shown = "".join(write(words_of(DOCUMENT), columns=12, rows=6).text.split())
    for words in ("ninety", "https://example.org/x", "nested", 'f"{x}"'):
        assert words in shown


@pytest.mark.parametrize(
    "text",
    [
        "- " + "\n- ".join(f"item {n}" for n in range(20)),
        "| a | b |\n|---|---|\n" + "\n".join(f"| row {n} | {'x' * (n % 7)} |" for n in range(20)),
        " ".join(f"word{n}" for n in range(160)),
        "```\n" + "\n".join(f"code {n}" for n in range(20)) + "\n```",
        "> " + "\n> ".join(f"quoted {n}" for n in range(20)),
    ],
    ids=["list", "table", "paragraph", "code", "quote"],
)
def test_a_block_higher_than_the_window_stands_whole_in_the_scroll_back(write: Write, text: str) -> None:
    shown = write(words_of(text), rows=8).text
    for label in re.findall(r"[a-z]+ ?\d+", text):
        assert len(re.findall(rf"{label}\b", shown)) == 1, label


def test_finished_blocks_are_never_written_again(write: Write) -> None:
    raw = write(list("First paragraph here.\n\n" + "second " * 40)).raw
    assert raw.count("First paragraph here.") <= 4
    assert len(raw) < 40 * 400


def test_code_is_coloured_and_copied_as_it_is(write: Write) -> None:
    line = "x = " + " + ".join(f"value_{n}" for n in range(20)) + "  # end"
    screen = write(list(f"```python\n{line}\nif True:\n    pass\n```\n"), columns=40)
    assert line in screen.text.replace("\n", "")
    assert re.search(r"\x1b\[[0-9;]+mif", screen.raw)
    assert "\n    pass" in screen.text


def test_a_fence_that_is_never_closed_is_shown(write: Write) -> None:
    assert write(list("```python\nprint(1)\nprint(2")).text == "```python\nprint(1)\nprint(2"


def test_text_is_never_markup_and_never_an_escape_sequence(write: Write) -> None:
    evil = "[red]x[/red] \x1b[31mred\x1b]0;title\x07 \x9b2J \x1b]8;;http://evil.example\x07link\x1b]8;;\x07 [/] end"
    for pieces in ([evil], list(evil)):
        screen = write(pieces)
        assert screen.text == "[red]x[/red] red  link [/] end"
        assert not re.search(r"\x1b\]|\x9b|\x1b\[2J|\x1b\[31m|\x07", screen.raw)
    code = write(list(f"```\n{evil}\n```\n| {evil} |\n|--|\n"))
    assert not re.search(r"\x1b\]|\x9b|\x1b\[2J|\x07", code.raw)


def test_without_colour_no_colour_is_written(write: Write) -> None:
    screen = write(words_of(DOCUMENT), color="never")
    assert not re.search(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7]|38|48)[0-9;]*m", screen.raw)
    assert "Backup plan" in screen.text


def test_a_message_in_mid_answer_stands_between_and_is_not_overwritten(write: Write) -> None:
    screen = Screen()
    app = app_of(screen)
    writer = MarkdownWriter(app)
    writer("one two")
    app.err.write("note: three\n")
    writer("four\n\nfive")
    writer.end_line()
    assert screen.text.split() == ["one", "two", "note:", "three", "four", "five"]
    assert app.err is screen


def test_the_last_piece_is_shown_although_nothing_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown_stream, "_PAUSE", 0.2)
    drawn = threading.Event()

    class Watched(Screen):
        def write(self, text: str) -> int:
            if "waiting" in text:
                drawn.set()
            return super().write(text)

    writer = MarkdownWriter(app_of(Watched()))
    writer("one ")
    writer("waiting")
    assert drawn.wait(30)
    writer.end_line()


def test_many_small_pieces_are_drawn_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown_stream, "_PAUSE", 1e6)
    screen = Screen()
    writer = MarkdownWriter(app_of(screen))
    for number in range(10_000):
        writer(f"w{number} ")
    assert screen.text == "w0"
    writer.end_line()
    assert "w9999" in screen.text


def test_a_window_that_changes_its_size_loses_nothing(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(60, 12)
    monkeypatch.setenv("COLUMNS", "60")
    writer = MarkdownWriter(app_of(screen))
    writer(" ".join(f"a{n}" for n in range(30)))
    screen.columns = 40
    monkeypatch.setenv("COLUMNS", "40")
    writer(" " + " ".join(f"b{n}" for n in range(30)))
    writer.end_line()
    for label in (*(f"a{n}" for n in range(30)), *(f"b{n}" for n in range(30))):
        assert re.search(rf"\b{label}\b", screen.text), label


def test_plain_where_it_cannot_or_shall_not_be_rendered(home: object) -> None:
    assert isinstance(answer_writer(app_of(Screen())), MarkdownWriter)
    assert isinstance(answer_writer(app_of(Screen(), TERM="dumb")), TextWriter)
    assert isinstance(answer_writer(app_of(Screen()), markdown=False), TextWriter)
    app = app_of(Screen())
    app.set_flag("answers.markdown", False)
    assert isinstance(answer_writer(app), TextWriter)
