"""`opsvi prompt`: what becomes of the answer: schema and retry, code block, samples, usage, dry run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from servers.scripted_model import scripted

Run = Callable[..., Any]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SCHEMA = json.loads((GOLDEN / "prompt.schema.json").read_text())
DRY = json.loads((GOLDEN / "prompt-dry-run.schema.json").read_text())
GOOD = '{"city": "Ulm", "people": 126}'


def test_a_wrong_answer_is_handed_back_once(opsvi: Run) -> None:
    with scripted('{"city": "Ulm"}', f"Sorry! {GOOD}") as server:
        done = opsvi("prompt", "x", "-m", "m", "--base-url", server.url, "--schema", "city, people int", "--no-stream")
    assert (done.code, json.loads(done.out)) == (0, json.loads(GOOD))
    first, second = server.asked
    assert second["messages"][: len(first["messages"])] == first["messages"]
    answer, reason = second["messages"][-2:]
    assert answer == {"role": "assistant", "content": '{"city": "Ulm"}'}
    assert "'people' is a required property" in reason["content"]


@pytest.mark.parametrize(("retries", "calls"), [("0", 1), ("2", 3)])
def test_retries_end_and_the_answer_is_kept(opsvi: Run, retries: str, calls: int) -> None:
    with scripted("no json at all") as server:
        args = ("prompt", "x", "-m", "m", "--base-url", server.url, "--schema", "city", "--no-stream")
        done = opsvi(*args, "--schema-retries", retries)
        assert len(server.asked) == calls
        assert (done.code, done.out) == (1, "")
        assert done.err.startswith("no json at all\n")
        machine = opsvi(*args, "--schema-retries", "0", "--json")
    assert (machine.code, machine.out) == (1, "")
    assert "no json at all" in machine.err


def test_tokens_of_all_tries_are_counted(opsvi: Run) -> None:
    with scripted("wrong", '{"city": "Ulm"}') as server:
        args = ("prompt", "x", "-m", "m", "--base-url", server.url, "--schema", "city", "--no-stream", "--json")
        done = opsvi(*args)
    assert {k: n for k, n in done.json["usage"].items() if n} == {"input_tokens": 20, "output_tokens": 4}


def test_cost_is_that_of_every_call_and_null_where_a_price_is_missing(opsvi: Run, home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text('[providers.openai]\napi_key = "env:K"\n')
    env = {"K": "k-0123456789"}
    with scripted("wrong", '{"city": "Ulm"}') as server:
        args = ("prompt", "x", "-m", "openai/m", "--base-url", server.url, "--schema", "city", "--no-stream", "--json")
        assert opsvi(*args, env=env).json["cost"] is None, "a server that wants a key may cost something"
        assert "cost not known" in opsvi(*args[:-1], "--usage", env=env).err
        (home / "config" / "config.toml").write_text("[providers.openai.prices]\nm = {input = 1000, output = 2000}\n")
        server.asked.clear()
        assert opsvi(*args, env=env).json["cost"] == pytest.approx(2 * (10 * 1000 + 2 * 2000) / 1e6)


def test_the_last_code_block_alone(opsvi: Run) -> None:
    text = "try\n\n```sh\nls\n```\n\nor better\n\n```sh\nls -a\n```\nDone."
    assert opsvi("prompt", text, "-m", "echo", "-x").out == "ls -a\n"
    assert opsvi("prompt", text, "-m", "echo", "-x", "--json").json["answer"] == "ls -a\n"
    none = opsvi("prompt", "prose alone", "-m", "echo", "-x")
    assert (none.code, none.out) == (1, "")
    assert none.err.startswith("prose alone\n")
    assert "no code block" in none.err


def test_an_answer_that_does_not_fit_is_not_kept(opsvi: Run) -> None:
    with scripted("wrong", '{"a": 1}', "later") as server:
        args = ("prompt", "x", "-m", "m", "--base-url", server.url, "--schema", "a int", "--cache", "--no-stream")
        assert opsvi(*args, "--schema-retries", "0").code == 1
        for _ in range(2):
            assert json.loads(opsvi(*args, "--schema-retries", "0").out) == {"a": 1}
        assert len(server.asked) == 2


def test_a_code_block_and_a_schema_exclude_each_other(opsvi: Run, tmp_path: Path) -> None:
    (tmp_path / "t.md").write_text("---\nschema: a int\n---\n")
    with scripted('{"a": 1}') as server:
        at = ("-m", "m", "--base-url", server.url, "-x")
        for args in (("--schema", "a int"), ("-t", "t.md")):
            done = opsvi("prompt", "x", *args, *at)
            assert (done.code, "under a schema there is none" in done.err) == (2, True)
        assert server.asked == [], "an answer that cannot be shown is not paid for"


def test_an_error_leaves_stdout_empty(opsvi: Run) -> None:
    none = opsvi("prompt", "prose alone", "-m", "echo", "-x", "--json")
    assert (none.code, none.out) == (1, "")
    assert json.loads(none.err)["error"]["partial"] == "prose alone"
    with scripted("wrong") as server:
        at = ("-m", "m", "--base-url", server.url, "--schema", "a int", "--schema-retries", "0", "-n", "2")
        done = opsvi("prompt", "x", *at)
        assert (done.code, done.out) == (1, "")
        machine = opsvi("prompt", "x", *at, "--json")
    assert [row["error"]["code"] for row in machine.json] == ["provider", "provider"]
    assert json.loads(machine.err)["error"]["code"] == "provider", "one document, for programs"


def test_samples(opsvi: Run) -> None:
    with scripted("one", "two", "three") as server:
        args = ("prompt", "x", "-n", "3", "-m", "m", "--base-url", server.url, "--no-stream")
        assert opsvi(*args).out == "one\n\ntwo\n\nthree\n"
    with scripted("one", "two") as server:
        args = ("prompt", "x", "-n", "2", "-m", "m", "--base-url", server.url, "--no-stream")
        rows = opsvi(*args, "--json").json
        assert [row["answer"] for row in rows] == ["one", "two"]
        for row in rows:
            jsonschema.validate(row, SCHEMA)
        assert [row["answer"] for row in opsvi(*args, "--jsonl").jsonl] == ["two", "two"]


def test_samples_that_fail_make_a_partial_success(opsvi: Run) -> None:
    with scripted('{"city": "Ulm"}', "wrong", '{"city": "Bonn"}') as server:
        args = ("prompt", "x", "-n", "3", "-m", "m", "--base-url", server.url, "--schema", "city", "--no-stream")
        done = opsvi(*args, "--schema-retries", "0", "--json")
    assert done.code == 3
    assert [row["answer"] for row in done.json] == [{"city": "Ulm"}, None, {"city": "Bonn"}]
    for row in done.json:
        jsonschema.validate(row, SCHEMA)
    assert done.json[1]["error"]["code"] == "provider"
    assert "1 of 3 answers failed" in done.err
    with scripted("wrong") as server:
        args = ("prompt", "x", "-n", "2", "-m", "m", "--base-url", server.url, "--schema", "city", "--no-stream")
        assert opsvi(*args, "--schema-retries", "0").code == 1


def test_samples_are_not_the_kept_answer(opsvi: Run) -> None:
    wrong = opsvi("prompt", "x", "-n", "2", "--cache", "-m", "echo")
    assert (wrong.code, wrong.out) == (2, "")
    with scripted("one", "two") as server:
        args = ("prompt", "x", "-n", "2", "-m", "m", "--base-url", server.url, "--no-stream")
        assert opsvi(*args, env={"OPSVI_ANSWERS__CACHE": "true"}).out == "one\n\ntwo\n"


def test_a_usage_error_is_said_once(opsvi: Run) -> None:
    done = opsvi("prompt", "x", "-n", "3", "-m", "nope")
    assert (done.code, done.err.count("there is no provider")) == (2, 1)


def test_usage(opsvi: Run) -> None:
    done = opsvi("prompt", "one two", "-m", "echo", "--usage")
    assert done.out == "one two\n"
    assert done.err.startswith("echo: tokens 2 in, 2 out, $0, ")
    assert done.err.endswith(" s\n")


def test_dry_run_asks_nobody(opsvi: Run, tmp_path: Path) -> None:
    (tmp_path / "dot.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    args = ("prompt", "hi", "--system", "be brief", "-a", "dot.png", "--schema", "a", "--dry-run")
    server = ("-m", "m", "--base-url", "http://127.0.0.1:9/v1")
    record = opsvi(*args, *server, "--json").json
    jsonschema.validate(record, DRY)
    assert (record["model"], record["schema"]["required"]) == ("m", ["a"])
    assert [item["role"] for item in record["messages"]] == ["system", "user"]
    assert record["messages"][1]["attachments"] == [{"name": "dot.png", "media_type": "image/png", "bytes": 8}]
    shown = opsvi(*args, *server).out
    assert shown.startswith("model: m\n--- system\nbe brief\n--- user\nhi\n[dot.png: image/png, 8 bytes]\n--- schema\n")


def test_what_was_said_before_a_failure_stays(opsvi: Run) -> None:
    done = opsvi("prompt", "one two three", "-m", "echo/slow", "--timeout", "0.3", "-x")
    assert (done.code, done.out) == (124, "")
    assert done.err.startswith("one")
