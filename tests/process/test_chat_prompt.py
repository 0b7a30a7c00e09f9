"""The prompt of the chat on a real terminal: several lines, pastes, keys, history, completion, rendering, resize."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from terminal_screen import Screen, Terminal

from opsvi_cli.context import AppContext
from opsvi_cli.llm.session_records import Turn
from opsvi_cli.llm.sessions import Sessions

pytest.importorskip("pexpect")

ENTER, NEW_LINE, CTRL_C, CTRL_D, CTRL_R, TAB, UP = "\r", "\x1b\r", "\x03", "\x04", "\x12", "\t", "\x1b[A"
Start = Callable[..., Terminal]


@pytest.fixture
def chat(home: Path, tmp_path: Path) -> Iterator[Start]:
    """Start `opsvi chat ARGS` on a terminal and wait for its prompt."""
    started: list[Terminal] = []

    def start(*args: str, columns: int = 80, rows: int = 24, **env: str) -> Terminal:
        terminal = Terminal(
            [sys.executable, "-m", "opsvi_cli", "chat", *(args or ("-m", "echo"))],
            env={"TERM": "xterm-256color", "OPSVI_PROVIDERS__ECHO__DELAY": "0.1", "NO_COLOR": "", **env},
            cwd=str(tmp_path),
            columns=columns,
            rows=rows,
        )
        started.append(terminal)
        terminal.wait("\n>")
        terminal.settled()
        return terminal

    yield start
    for terminal in started:
        terminal.close()


def ask(terminal: Terminal, keys: str, shows: str | Callable[[Screen], bool]) -> None:
    terminal.type(keys)
    terminal.wait(shows)
    terminal.settled()


def last_turns() -> list[Turn]:
    with Sessions(AppContext(env=dict(os.environ))) as sessions:
        session = sessions.last()
        assert session is not None
        return sessions.turns(session)


def leave(terminal: Terminal) -> None:
    terminal.type(CTRL_D)
    assert terminal.ended() == 0
    assert "Traceback" not in terminal.screen.text


def test_messages_of_several_lines(chat: Start) -> None:
    terminal = chat()
    ask(terminal, f"one{NEW_LINE}two\\{ENTER}three{ENTER}", "\none\ntwo\nthree")
    ask(terminal, f'"""first{ENTER}second', "  second")
    ask(terminal, f'{ENTER}"""{ENTER}', "\nfirst\nsecond")
    leave(terminal)
    assert [turn.question.text for turn in last_turns()] == ["one\ntwo\nthree", "first\nsecond"]


def test_a_large_paste_is_one_message_and_shown_as_a_mark(chat: Start) -> None:
    terminal = chat()
    pasted = "\n".join(f"line {n}" for n in range(1, 813))
    ask(terminal, f"look: \x1b[200~{pasted}\n\x1b[201~", "look: [pasted 812 lines]")
    assert "line 5" not in terminal.screen.text
    ask(terminal, ENTER, "line 812")
    ask(terminal, UP, lambda screen: screen.text.count("look: [pasted 812 lines]") == 2)
    ask(terminal, CTRL_C, lambda screen: screen.text.count("look: [pasted 812 lines]") == 1)
    ask(terminal, "\x1b[200~small \\\rpaste\x1b[201~", "  paste")
    ask(terminal, ENTER, "\nsmall\npaste")  # Markdown reads the backslash as a line end
    leave(terminal)
    assert [turn.question.text for turn in last_turns()] == [f"look: {pasted}", "small \\\npaste"]


def test_a_long_message_of_an_earlier_chat_comes_back_as_a_mark(chat: Start, home: Path) -> None:
    lines = [f"+line {n}" for n in range(1, 413)]
    (home / "state").mkdir(parents=True, exist_ok=True)
    (home / "state" / "chat_history").write_text("\n# 2026-01-01\n+before\n\n# 2026-01-02\n" + "\n".join(lines) + "\n")
    terminal = chat()
    ask(terminal, UP, "> [pasted 412 lines]")
    ask(terminal, UP, "> before")
    ask(terminal, f"\x1b[B{ENTER}", "line 412")
    leave(terminal)
    assert last_turns()[0].question.text.count("\n") == 411


def test_ctrl_z_is_no_part_of_the_message(chat: Start) -> None:
    terminal = chat()
    terminal.type("\x1a")  # here nobody is there to stop for
    terminal.settled()
    ask(terminal, f"back{ENTER}", "\nback")
    leave(terminal)
    assert last_turns()[0].question.text == "back"


def test_ctrl_c_clears_the_line_and_leaves_on_an_empty_one(chat: Start) -> None:
    terminal = chat()
    ask(terminal, "not to be sent", "not to be sent")
    ask(terminal, CTRL_C, lambda screen: "not to be sent" not in screen.text)
    terminal.type(CTRL_C)
    assert terminal.ended() == 130
    assert "Traceback" not in terminal.screen.text


def test_ctrl_c_stops_an_answer_and_keys_typed_meanwhile_wait(chat: Start) -> None:
    terminal = chat("-m", "echo/slow")
    terminal.type("alpha " + " ".join(f"w{n}" for n in range(500)) + ENTER)
    terminal.wait("alpha w0 w1 w2", 60)
    terminal.type("typed early")
    terminal.wait(lambda screen: screen.text.count("w6") == 2)
    assert "typed early" not in terminal.screen.text
    ask(terminal, CTRL_C, "[stopped")
    terminal.wait("> typed early")
    ask(terminal, CTRL_C, lambda screen: "typed early" not in screen.text)
    leave(terminal)
    (turn,) = last_turns()
    assert turn.answer is not None
    assert turn.answer.status == "partial"
    assert turn.answer.text.startswith("alpha w0")
    assert "w499" not in turn.answer.text


def test_history_is_shared_private_and_searched(chat: Start, home: Path) -> None:
    first = chat()
    ask(first, f"remember the turtle{ENTER}", lambda screen: screen.text.count("turtle") == 2)
    ask(first, f"and the hare{ENTER}", lambda screen: screen.text.count("hare") == 2)
    leave(first)
    history = home / "state" / "chat_history"
    assert "remember the turtle" in history.read_text()
    assert history.stat().st_mode & 0o077 == 0
    second = chat()
    ask(second, UP, "> and the hare")
    ask(second, CTRL_C, lambda screen: "hare" not in screen.text)
    ask(second, f"{CTRL_R}turt", "> remember the turtle")
    second.type(ENTER)  # takes what was found
    second.settled()
    ask(second, ENTER, lambda screen: screen.text.count("turtle") >= 2)
    leave(second)


def test_a_known_secret_is_not_kept_in_the_history(chat: Start, home: Path) -> None:
    terminal = chat(OPENAI_API_KEY="sk-abcdefghijklmnopqrstuvwxyz0123456789")
    ask(terminal, f"my sk-abcdefghijklmnopqrstuvwxyz0123456789 key{ENTER}", "key\n")
    leave(terminal)
    assert "abcdefghijkl" not in (home / "state" / "chat_history").read_text()


def test_completion_of_commands_models_and_files(chat: Start, tmp_path: Path) -> None:
    (tmp_path / "unusual-notes.md").write_text("# Notes\n\nThe unusual word is quokka.\n")
    terminal = chat()
    ask(terminal, "/ses", "/sessions")
    ask(terminal, CTRL_C, lambda screen: "/ses" not in screen.text)
    ask(terminal, "/attach unus", " unusual-notes.md")
    ask(terminal, TAB, "/attach unusual-notes.md")
    ask(terminal, ENTER, "with the next message: unusual-notes.md")
    ask(terminal, f"what is in it?{ENTER}", "quokka")
    leave(terminal)
    (turn,) = last_turns()
    assert [file.name for file in turn.question.attachments] == ["unusual-notes.md"]


def test_status_line_names_model_collection_and_history(chat: Start) -> None:
    terminal = chat()
    terminal.wait("echo · no collection · history 0 of")
    ask(terminal, f"some words to remember{ENTER}", lambda screen: screen.text.count("some words") == 2)
    terminal.wait(lambda screen: "history 2" in screen.text or "history 1" in screen.text)
    leave(terminal)


def test_answers_are_rendered_and_plain_when_asked(chat: Start) -> None:
    rendered = chat()
    ask(rendered, f"**bold** and `code`{ENTER}", "\nbold and code")
    assert "\x1b[1mbold" in rendered.screen.raw
    leave(rendered)
    plain = chat("-m", "echo", "--plain")
    ask(plain, f"**bold** and `code`{ENTER}", "\n**bold** and `code`")
    leave(plain)


def test_no_color_has_no_colour(chat: Start) -> None:
    terminal = chat(NO_COLOR="1")
    ask(terminal, f"`code` and [a](http://b.example){ENTER}", "\ncode and a (http://b.example)")
    leave(terminal)
    assert not re.search(r"\x1b\[[0-9;]*(?:3[0-7]|9[0-7]|38|48)[;0-9]*m", terminal.screen.raw)


def test_escape_sequences_in_answers_never_reach_the_terminal(chat: Start, tmp_path: Path) -> None:
    (tmp_path / "evil.txt").write_text("evil \x1b]0;owned\x07 \x1b[2Jgone\n")
    terminal = chat("-m", "echo")
    ask(terminal, f"/attach evil.txt{ENTER}", "with the next message")
    ask(terminal, f"show{ENTER}", "gone")
    leave(terminal)
    assert "owned\x07" not in terminal.screen.raw


def test_a_narrow_window_and_one_that_is_resized(chat: Start) -> None:
    terminal = chat("-m", "echo/slow", columns=20, rows=8)
    terminal.type("begin " + " ".join(f"w{n}" for n in range(20)) + " end" + ENTER)
    terminal.wait(lambda screen: screen.text.count("begin") >= 2 and "w5" in screen.text)
    terminal.resize(40, 12)
    terminal.wait(lambda screen: screen.text.count("end") >= 2)
    terminal.settled()
    leave(terminal)
    (turn,) = last_turns()
    assert turn.answer is not None
    assert turn.answer.text.endswith("w19 end")


def test_sigterm_at_the_prompt_gives_the_terminal_back(chat: Start) -> None:
    terminal = chat()
    os.kill(terminal.child.pid, signal.SIGTERM)
    assert terminal.ended() in (143, -signal.SIGTERM)
    assert "Traceback" not in terminal.screen.text
    assert "\x1b[?2004l" in terminal.screen.raw


def test_the_editor_writes_a_message(chat: Start, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "written\\nin an editor" >"$1"\n')
    editor.chmod(0o755)
    terminal = chat(EDITOR=str(editor), VISUAL="")
    ask(terminal, f"/edit{ENTER}", lambda screen: screen.text.count("in an editor") == 2)
    leave(terminal)
    assert last_turns()[0].question.text == "written\nin an editor"


def test_copy_only_when_asked(chat: Start) -> None:
    terminal = chat()
    ask(terminal, f"words{ENTER}", "\nwords")
    assert "\x1b]52" not in terminal.screen.raw
    ask(terminal, f"/copy{ENTER}", "copied: 5 characters")
    assert "\x1b]52;c;d29yZHM=\x07" in terminal.screen.raw
    leave(terminal)


def test_a_wrong_command_leaves_the_chat_running(chat: Start) -> None:
    terminal = chat()
    ask(terminal, f"/attach nowhere.txt{ENTER}", "opsvi: ")
    ask(terminal, f"/model nope/x{ENTER}", "nope")
    ask(terminal, f"/model echo/none{ENTER}still here{ENTER}", "[the question is kept, /retry asks again]")
    ask(terminal, f"/model echo{ENTER}/retry{ENTER}", "\nstill here")
    leave(terminal)
    (turn,) = last_turns()
    assert (turn.question.text, turn.answer and turn.answer.text) == ("still here", "still here")


def test_a_talk_that_goes_on_shows_where_it_stands(chat: Start) -> None:
    first = chat("-m", "echo", "--session", "big plans")
    first.wait("session big plans is new")
    ask(first, f"say **loud** words{ENTER}", "\nsay loud words")
    first.type(f"exit{ENTER}")
    assert first.ended() == 0
    assert "opsvi chat --session 'big plans' goes on with this talk" in first.screen.text
    again = chat("--continue")
    again.wait("session big plans, 2 messages; the last turn:\n> say **loud** words\nsay loud words\n>")
    again.settled()
    ask(again, f"/resume big plans{ENTER}", lambda screen: screen.text.count("\nsay loud words") == 2)
    leave(again)
    assert len(last_turns()) == 1


def test_completion_of_the_file_of_an_export(chat: Start, tmp_path: Path) -> None:
    (tmp_path / "talks").mkdir()
    terminal = chat()
    ask(terminal, "/export md tal", " talks")
    ask(terminal, f"{TAB}one.md{CTRL_C}", lambda screen: "/export" not in screen.text)
    leave(terminal)
