"""`opsvi chat` without a terminal: lines of stdin are messages."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema

from opsvi_cli.app import run
from opsvi_cli.context import AppContext

SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "golden" / "chat.schema.json").read_text())
Run = Callable[..., Any]


def test_a_line_is_a_message(opsvi: Run) -> None:
    result = opsvi("chat", "-m", "echo", stdin="hello there\n\nand again\n")
    assert (result.code, result.out) == (0, "hello there\nand again\n")


def test_extractive_answers_with_a_follow_up(opsvi: Run, ops_collection: object) -> None:
    result = opsvi("chat", stdin="who is on call on Sundays?\nand on Mondays?\n/sources\n")
    assert result.code == 0, result.err
    first, second = result.out.split("Sources:")[:2]
    assert "Mara Lind" in first
    assert "Tom Reyes" in second
    assert result.err.count("no model is configured") == 1
    assert "Tom Reyes" in result.out.rsplit("Sources:", 1)[1]


def test_json_is_one_document_of_turns(opsvi: Run, ops_collection: object) -> None:
    result = opsvi("chat", "--json", stdin="are backups encrypted?\n/help\nwhy did db-3 run out of disk?\n")
    jsonschema.validate(result.json, SCHEMA)
    assert [turn["turn"] for turn in result.json] == [1, 2]
    assert "AES-256" in result.json[0]["answer"]
    assert result.json[1]["citations"][0]["source"] == "/ops/incident.eml"


def test_jsonl_is_a_line_a_turn_and_sessions_go_on(opsvi: Run) -> None:
    first = opsvi("chat", "-m", "echo", "--session", "talk", "--jsonl", stdin="one\ntwo\n").jsonl
    jsonschema.validate(first, SCHEMA)
    (third,) = opsvi("chat", "-m", "echo", "--continue", "--jsonl", stdin="three\n").jsonl
    assert (third["session"], third["turn"], third["answer"]) == ("talk", 3, "three")
    (fourth,) = opsvi("chat", "--session", "talk", "--jsonl", stdin="four\n").jsonl
    assert (fourth["turn"], fourth["model"]) == (4, first[0]["model"])


def test_retry_answers_the_last_question_again_in_its_turn(opsvi: Run) -> None:
    turns = opsvi("chat", "-m", "echo", "--jsonl", stdin="/retry\none\n/retry\n").jsonl
    assert [(turn["turn"], turn["question"]) for turn in turns] == [(1, "one"), (1, "one")]


def test_model_can_be_changed_on_the_way(opsvi: Run) -> None:
    result = opsvi("chat", "-m", "echo/slow", stdin="/model\n/model echo/echo\n/model\n")
    assert result.err.splitlines() == ["model: echo/slow", "model: echo/echo", "model: echo/echo"]


def test_unknown_slash_command_hints_and_the_talk_goes_on(opsvi: Run) -> None:
    result = opsvi("chat", "-m", "echo", stdin="/retri\nhello\n")
    assert result.code == 2
    assert result.out == "hello\n"
    assert "did you mean /retry?" in result.err


def test_two_slashes_begin_a_message_and_exit_ends_the_talk(opsvi: Run) -> None:
    assert opsvi("chat", "-m", "echo", stdin="//etc/hosts\n/exit\nnever\n").out == "/etc/hosts\n"


def test_failing_turn_is_reported_and_the_first_error_is_the_exit_code(opsvi: Run) -> None:
    result = opsvi("chat", "-m", "echo", stdin="/model echo/none\nhi\n/model echo/echo\nhello\n")
    assert result.code == 1
    assert result.out == "hello\n"
    assert "echo has no model 'none'" in result.err


def test_every_error_is_said_once_and_for_programs_as_json(opsvi: Run) -> None:
    lines = "/attach nowhere\x1b[31m\n/foo\nhello\n/bar\n"
    result = opsvi("chat", "-m", "echo", "--jsonl", stdin=lines)
    assert [json.loads(line)["error"]["code"] for line in result.err.splitlines()] == ["document", "usage", "usage"]
    assert (result.code, len(result.jsonl)) == (1, 1)
    people = opsvi("chat", "-m", "echo", stdin=lines)
    assert [people.err.count(name) for name in ("nowhere", "/foo", "/bar")] == [1, 1, 1]
    assert people.code == 1
    assert "\x1b" not in people.err


def test_nothing_to_talk_with_names_both_ways_out(opsvi: Run) -> None:
    result = opsvi("chat", stdin="hi\n")
    assert (result.code, result.out) == (1, "")
    assert "opsvi ingest" in result.err
    assert "-m" in result.err


def test_wrong_collection_session_flags_and_fields(opsvi: Run) -> None:
    assert opsvi("chat", "-c", "nope", "-m", "echo", stdin="hi\n").code == 1
    assert opsvi("chat", "--continue", "-m", "echo", stdin="hi\n").code == 1
    assert opsvi("chat", "--continue", "--session", "x", stdin="hi\n").code == 2
    assert opsvi("chat", "-m", "echo", "--json=nope", stdin="hi\n").code == 2


def test_history_reaches_the_model_until_it_is_too_long(opsvi: Run) -> None:
    env = {"OPSVI_CHAT__HISTORY_TOKENS": "60"}
    result = opsvi("chat", "-m", "echo", stdin="\n".join(["word " * 30] * 4) + "\n", env=env)
    assert result.code == 0, result.err
    assert "no longer sent to the model" in result.err
    quiet = opsvi("chat", "-m", "echo", stdin="a\nb\nc\n")
    assert "no longer sent" not in quiet.err


def test_no_retrieval_leaves_the_collection_alone(opsvi: Run, ops_collection: object) -> None:
    result = opsvi("chat", "-m", "echo", "--no-retrieval", stdin="who is on call?\n")
    assert result.out == "who is on call?\n"
    assert "AES-256" in opsvi("chat", "-m", "echo", stdin="are backups encrypted?\n").out


def test_a_session_goes_on_without_a_collection_that_is_gone(opsvi: Run, ops_collection: object) -> None:
    assert "AES-256" in opsvi("chat", "-m", "echo", "--session", "s", stdin="are backups encrypted?\n").out
    (name,) = [row["name"] for row in opsvi("collections", "list", "--json").json]
    assert opsvi("collections", "delete", name, "--yes").code == 0
    for args, lines in ((("--session", "s"), "hi\n"), (("--no-retrieval",), "/resume s\nhi\n")):
        result = opsvi("chat", "-m", "echo", *args, stdin=lines)
        assert (result.code, result.out.strip()[:2]) == (0, "hi"), result.err
    assert opsvi("chat", "-m", "echo", "-c", name, "--session", "s", stdin="hi\n").code == 1


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_person_whose_answers_go_into_a_pipe_sees_a_prompt(home: Path) -> None:
    app = AppContext(env=dict(os.environ), stdin=_Terminal("hello\n"), out=io.StringIO(), err=_Terminal())
    assert run(["chat", "-m", "echo"], app) == 0
    assert isinstance(app.out, io.StringIO)
    assert isinstance(app.err, io.StringIO)
    assert (app.out.getvalue(), app.err.getvalue()) == ("hello\n", "> > ")
