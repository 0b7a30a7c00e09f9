"""The slash commands, from a pipe: what they change, what they refuse, and that the talk goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.render.chat_commands import SlashCommands
from opsvi_cli.render.chat_table import COMMANDS

Run = Callable[..., Any]


@pytest.fixture
def say(opsvi: Run) -> Run:
    def call(*lines: str, args: tuple[str, ...] = ("-m", "echo"), **more: Any) -> Any:
        return opsvi("chat", *args, stdin="".join(f"{line}\n" for line in lines), **more)

    return call


def test_help_lists_every_command_and_each_is_there(say: Run) -> None:
    result = say("/help")
    assert all(f"{name} " in result.err for name in COMMANDS)
    table = SlashCommands(None, None, None)._table  # type: ignore[arg-type]
    assert set(table) | {"/exit"} == set(COMMANDS)


def test_what_is_asked_for_is_said_under_quiet_too(opsvi: Run) -> None:
    result = opsvi("-q", "chat", "-m", "echo", stdin="/model\n/HELPS\nhi\n")
    assert result.err.startswith("model: echo\n")
    assert "did you mean /help?" in result.err


def test_a_command_may_be_a_block_of_lines(say: Run) -> None:
    assert "instructions: Be brief.\nBe kind.\n" in say('"""', "/system", "Be brief.", "Be kind.", '"""').err


def test_what_waits_stays_when_the_message_is_not_saved(say: Run, tmp_path: Path, home: Path) -> None:
    (tmp_path / "a.txt").write_text("quokka\n")
    sessions = home / "data" / "sessions.db"
    say("begin")
    sessions.with_name("sessions.db-wal").unlink(missing_ok=True)
    sessions.write_bytes(b"no database at all " * 100)
    result = say("/attach a.txt", "what?", "/attach")
    assert result.err.count("with the next message: a.txt") == 2
    assert (result.code, result.out) == (1, "")


def test_undo_takes_the_last_turn_back(say: Run) -> None:
    result = say("one", "two", "/undo", "/usage", "/undo", "/undo", args=("-m", "echo", "--session", "s"))
    assert "taken back: two" in result.err
    assert "nothing was asked yet" in result.err
    assert say("three", args=("-m", "echo", "--session", "s", "--jsonl")).jsonl[0]["turn"] == 1


def test_save_resume_and_sessions(say: Run) -> None:
    result = say(
        "one", "/save first", "/new", "two", "/save first", "/rename second", "/sessions", "/resume first", "x"
    )
    assert result.code == 2
    assert "there is a session 'first' already" in result.err
    assert "session: second" in result.err
    assert "first" in result.out
    shown = say("/resume first", "/retry", args=("-m", "echo", "--jsonl"))
    assert shown.jsonl[0] | {} == {**shown.jsonl[0], "session": "first", "question": "x", "turn": 2}
    assert say("/resume nowhere").code == 1
    assert say("/save").code == 2


def test_attach_shows_what_waits_and_can_take_it_off(say: Run, tmp_path: Path) -> None:
    (tmp_path / "my notes.txt").write_text("quokka\n")
    result = say("/attach my notes.txt", "what?", "/attach", "/attach 'my notes.txt'", "/attach none", "again")
    assert result.code == 0, result.err
    assert "my notes.txt (text/" in result.err
    assert result.out.count("quokka") == 1
    assert result.err.count("nothing is attached") == 2


def test_attach_refuses_what_it_cannot_read(say: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    for given in ("nowhere.txt", ".", "empty.txt", "http://127.0.0.1:9/x", "'open"):
        result = say(f"/attach {given}", "hello")
        assert result.code in (1, 2), given
        assert result.out == "hello\n"
        assert "Traceback" not in result.err


def test_attach_needs_a_model(opsvi: Run, ops_collection: object, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    result = opsvi("chat", stdin="/attach a.txt\n")
    assert result.code == 2
    assert "/model" in result.err


def test_tools_are_listed_switched_on_and_off(say: Run) -> None:
    result = say("/tools", "/tools on calculator", "/tools on date", "/tools off calculator", "/tools off")
    lines = [line for line in result.err.splitlines() if line.startswith("on: ")]
    assert lines == ["on: none", "on: calculator", "on: calculator, date", "on: date", "on: none"]
    assert "calculator, date" in result.err
    assert say("/tools on nonsense").code == 2
    assert say("/tools maybe").code == 2
    assert "not on: date" in say("/tools on calculator", "/tools off date").err
    refused = say("/tools on calculator", "hello")
    assert "does not do tools" in refused.err


def test_search_and_usage(say: Run) -> None:
    say("a walrus", args=("-m", "echo", "--session", "s"))
    result = say("/search walrus", "/search nowhere", "two words", "/tokens")
    assert result.out.count("a walrus") == 2
    assert "no message holds these words" in result.err
    assert "tokens of this session: 2 read, 2 written" in result.err
    assert say("/search").code == 2


def test_export_to_stdout_or_a_file_that_is_not_there_yet(say: Run, tmp_path: Path) -> None:
    result = say("one", "/save s", "/export md", "/export json talk.json", "/export json talk.json", "/export pdf")
    assert "# s\n" in result.out
    assert result.code == 2
    assert "talk.json is there already" in result.err
    assert json.loads((tmp_path / "talk.json").read_text())["turns"][0]["answer"] == "one"
    assert say("/export md").code == 2


def test_stdout_of_machines_holds_answers_only(say: Run, tmp_path: Path) -> None:
    result = say("one", "/sessions", "/search one", "/export md", "/usage", args=("-m", "echo", "--json"))
    assert len(result.json) == 1
    assert "one" in result.err


def test_what_needs_a_terminal_says_so(say: Run) -> None:
    for command in ("/edit", "/copy"):
        result = say("one", command)
        assert (result.code, result.out) == (2, "one\n")
        assert "needs a terminal" in result.err


def test_messages_of_several_lines_in_a_pipe(say: Run) -> None:
    result = say("one\\", "two", '"""', "three", "", "/exit is no command here", '"""', args=("-m", "echo", "--jsonl"))
    assert [turn["question"] for turn in result.jsonl] == ["one\ntwo", "three\n\n/exit is no command here"]
    (unfinished,) = say('"""', "never closed", args=("-m", "echo", "--jsonl")).jsonl
    assert "never closed" in unfinished["question"]


def test_flags_of_models_are_settings_of_the_run(say: Run) -> None:
    assert say("hi", args=("-m", "echo", "--fallback", "echo/slow", "--retries", "0", "--no-log")).code == 0
    assert say("hi", args=("-m", "echo", "--pii", "perhaps")).code == 2
    assert say("hi", args=("-m", "echo", "--tool", "nonsense")).code == 2
