"""`opsvi prompt`: text, context, files and schemas, on stdout and as JSON."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from server_fixtures import fault_server

from opsvi_cli.llm.fencing import RULE, fenced

__all__ = ["fault_server"]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city", "people"]}


def test_text_and_context(opsvi: Callable[..., Any]) -> None:
    assert opsvi("prompt", "hello world", "-m", "echo").out == "hello world\n"
    assert opsvi("prompt", "-m", "echo", stdin="only this\n").out == "only this\n"
    both = opsvi("prompt", "sum up", "-m", "echo", stdin="FACT ``` fence\n")
    assert both.out == f"sum up\n\n{fenced('FACT ``` fence', 'context')}\n"
    assert opsvi("prompt", "hello", "-m", "echo", "--no-stream").out == "hello\n"


def test_json(opsvi: Callable[..., Any]) -> None:
    done = opsvi("prompt", "one two", "--system", "be brief", "-m", "echo", "--json")
    assert isinstance(done.json["seconds"], float)
    assert {**done.json, "seconds": 0} == {
        "answer": "one two",
        "model": "echo",
        "usage": {"input_tokens": 4, "output_tokens": 2, "cached_tokens": None, "reasoning_tokens": None},
        "finish": "stop",
        "tool_calls": [],
        "seconds": 0,
        "cost": 0.0,
        "steps": [],
        "error": None,
    }
    jsonschema.validate(done.json, json.loads((GOLDEN / "prompt.schema.json").read_text()))
    assert opsvi("prompt", "x", "-m", "echo", "--json=answer,finish").json == {"answer": "x", "finish": "stop"}
    assert opsvi("prompt", "x", "-m", "echo", "--jsonl").out.count("\n") == 1
    wrong = opsvi("prompt", "x", "-m", "echo", "--json=nope")
    assert (wrong.code, wrong.out) == (2, "")
    assert "Available fields: answer, model, usage, finish, tool_calls" in wrong.err


@pytest.mark.parametrize("args", [(), ("",), ("  ",)])
def test_nothing_to_ask(args: tuple[str, ...], opsvi: Callable[..., Any]) -> None:
    done = opsvi("prompt", *args, "-m", "echo")
    assert (done.code, done.out) == (2, "")
    assert "there is nothing to ask" in done.err


def test_no_model(opsvi: Callable[..., Any]) -> None:
    done = opsvi("prompt", "hi")
    assert (done.code, done.out) == (2, "")
    assert "opsvi config set model" in done.err
    assert opsvi("prompt", "hi", env={"OPSVI_MODEL": "echo"}).out == "hi\n"
    wrong = opsvi("prompt", "hi", "-m", "nope")
    assert (wrong.code, wrong.out) == (2, "")
    assert "hint:" in wrong.err


def test_no_key(opsvi: Callable[..., Any]) -> None:
    done = opsvi("prompt", "hi", "-m", "openai/gpt-5-mini")
    assert (done.code, done.out) == (4, "")
    assert "opsvi secrets set openai" in done.err


def test_a_stored_key_is_used(opsvi: Callable[..., Any], fault_server: Any) -> None:
    assert opsvi("secrets", "set", "openai", stdin="sk-stored-0123456789abcdef\n").code == 0
    """OpenAI's key goes to another server only when the settings name it for that server."""
    args = ("prompt", "hi", "-m", "m", "--base-url", fault_server.url("ok"))
    assert opsvi(*args).code == 0
    assert "authorization" not in fault_server.last().headers
    assert opsvi(*args, env={"OPSVI_PROVIDERS__OPENAI__API_KEY": "openai"}).code == 0
    assert fault_server.last().headers["authorization"] == "Bearer sk-stored-0123456789abcdef"


def test_a_limit_of_ones_own_is_no_failure(opsvi: Callable[..., Any]) -> None:
    done = opsvi("prompt", "one two three", "-m", "echo", "--max-tokens", "2")
    assert (done.code, done.out) == (0, "one two\n")
    assert "cut at --max-tokens" in done.err
    assert opsvi("prompt", "one two three", "-m", "echo", "--max-tokens", "2", "-q").err == ""


def test_attachments(opsvi: Callable[..., Any], fault_server: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("ﬁne text\n", encoding="utf-8-sig")
    (tmp_path / "dot.png").write_bytes(b"\x89PNG\r\n\x1a\n...")
    (tmp_path / "zip.bin").write_bytes(b"PK\0\x01")
    url = fault_server.url("ok")
    done = opsvi("prompt", "see", "-a", "notes.txt", "--attach", "dot.png", "-m", "m", "--base-url", url)
    assert done.code == 0, done.err
    system, user = fault_server.last().body["messages"]
    assert system == {"role": "system", "content": RULE}
    text, image = user["content"]
    assert text["text"] == f"see\n\n{fenced('ﬁne text', 'notes.txt')}"
    assert image["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    for name, says in (("zip.bin", "neither an image, PDF nor UTF-8 text"), ("none.txt", "no such file")):
        wrong = opsvi("prompt", "see", "-a", name, "-m", "echo")
        assert (wrong.code, wrong.out) == (2, "")
        assert says in wrong.err


@pytest.mark.parametrize("fault", ["ok-json", "ok-fenced-json"])
def test_an_answer_that_satisfies_its_schema(
    fault: str, opsvi: Callable[..., Any], fault_server: Any, tmp_path: Path
) -> None:
    (tmp_path / "city.json").write_text(json.dumps(CITY))
    for schema in ("city.json", json.dumps(CITY)):
        args = ("prompt", "which?", "--schema", schema, "-m", "m", "--base-url", fault_server.url(fault))
        assert opsvi(*args, "--json").json["answer"] == {"city": "Ulm", "people": 126}
        assert '"Ulm"' in opsvi(*args).out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "it is not JSON"),
        ('{"city": 3, "people": 1}', "city: 3 is not of type 'string'"),
        ('{"city": "Ulm"}', "'people' is a required property"),
    ],
)
def test_an_answer_that_does_not(text: str, says: str, opsvi: Callable[..., Any]) -> None:
    done = opsvi("prompt", text, "-m", "echo", "--schema", json.dumps(CITY), "--schema-retries", "0")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(text + "\n"), "the answer is kept"
    assert "does not satisfy --schema" in done.err
    assert says in done.err
    assert opsvi("prompt", text, "-m", "echo", "--schema", json.dumps(CITY), "--json").out == ""


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ("none.json", "No such file"),
        ("{", "not JSON"),
        ('{"type": 7}', "not a JSON Schema"),
        ('{"$ref": "http://127.0.0.1:9/x"}', "cannot be resolved"),
    ],
)
def test_schemas_that_are_none(schema: str, says: str, opsvi: Callable[..., Any]) -> None:
    done = opsvi("prompt", "{}", "-m", "echo", "--schema", schema)
    assert done.code == 2
    assert says in done.err


def test_text_that_is_no_unicode(opsvi: Callable[..., Any]) -> None:
    done = opsvi("prompt", "-m", "echo", stdin=b"caf\xe9 ok")
    assert (done.code, done.out) == (0, "caf\ufffd ok\n")
    assert "stdin is not all UTF-8" in done.err
    image = opsvi("prompt", "what is this?", "-m", "echo", stdin=b"\x89PNG\r\n\x1a\n\x00\x00")
    assert (image.code, image.out) == (2, "")
    assert "`opsvi prompt -a -` sends an image as it is" in image.err
    done = opsvi("prompt", "bad \udce9 byte", "-m", "echo")
    assert (done.code, done.out) == (0, "bad \ufffd byte\n")


def _start(*args: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """The real program; SIGINT is not ignored in it, as it would be for a background job of a shell."""
    return subprocess.Popen(
        [sys.executable, "-m", "opsvi_cli", "prompt", *args],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **env},
    )


def test_the_answer_is_piped_word_by_word(home: Path) -> None:
    """The first word arrives while the second is an hour away."""
    with _start("first second", "-m", "echo/slow", env={"OPSVI_PROVIDERS__ECHO__DELAY": "3600"}) as child:
        assert child.stdout is not None
        assert child.stdout.read(5) == b"first"
        child.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_answer_and_the_request(number: int, code: int, home: Path, fault_server: Any) -> None:
    args = ("hi", "-m", "m", "--base-url", fault_server.url("stall-mid-stream"))
    with _start(*args, env={"OPSVI_HTTP__READ_TIMEOUT": "60"}) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.read(10) == b"Hello from"
        child.send_signal(number)
        assert child.wait(30) == code
        assert child.stdout.read() == b"\n"
        assert b"Traceback" not in child.stderr.read()
    assert fault_server.last().client_gone.wait(10)


def test_the_schema_of_anything_is_a_schema(opsvi: Callable[..., Any]) -> None:
    """`{}` is no missing schema: the answer must be JSON."""
    assert opsvi("prompt", "[1, 2]", "-m", "echo", "--schema", "{}", "--json").json["answer"] == [1, 2]
    assert opsvi("prompt", "no json", "-m", "echo", "--schema", "{}", "--schema-retries", "0").code == 1
