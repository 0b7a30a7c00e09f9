"""`opsvi batch` on this machine: lines, results, going on, what stops it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from servers.openai_spec import DOCUMENT, answer

from opsvi_cli.testing import SpecAnswer, SpecServer

Run = Callable[..., Any]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"
CHAT = "POST /chat/completions"
FAST = {"OPSVI_RESILIENCE__RETRIES": "0", "OPSVI_RESILIENCE__BREAKER_FAILURES": "0"}


@pytest.fixture
def prompts(tmp_path: Path) -> Callable[..., str]:
    def write(*lines: Any) -> str:
        text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
        (tmp_path / "prompts.jsonl").write_text(text)
        return "prompts.jsonl"

    return write


def rows(path: Path) -> dict[str, dict[str, Any]]:
    """The results by id; every line must be whole."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert len({row["id"] for row in found}) == len(found)
    return {row["id"]: row for row in found}


def reply(request: Any) -> Mapping[str, Any]:
    """Says what it was asked; `fail` is answered with an error."""
    said = request.body["messages"][-1]["content"]
    if said == "fail":
        return SpecAnswer({"error": {"message": "no such thing"}}, 400)  # type: ignore[return-value]
    return answer(f"You said {said}")


def at(server: SpecServer) -> tuple[str, ...]:
    return ("-m", "m", "--base-url", server.url)


def test_lines_and_results(opsvi: Run, prompts: Callable[..., str], tmp_path: Path) -> None:
    place = prompts(
        {"id": "a", "prompt": "hello"},
        '"just text"',
        {"id": 3, "messages": [{"role": "user", "content": "one"}], "temperature": 0.5, "max_tokens": 9, "system": "S"},
        {"id": "d", "prompt": "1", "schema": {"type": "object", "required": ["x"]}},
    )
    env = {**FAST, "OPSVI_PROVIDERS__OPENAI__API_KEY": "env:K", "K": "k-0123456789"}
    with SpecServer(DOCUMENT, {CHAT: reply}, key="k-0123456789") as server:
        done = opsvi("batch", place, "-o", "r.jsonl", *at(server), "--system", "Be short.", "--json", env=env)
    found = rows(tmp_path / "r.jsonl")

    assert done.code == 3
    assert set(found) == {"a", "2", "3", "d"}
    assert found["a"]["answer"] == "You said hello"
    assert found["a"]["usage"] == {"input_tokens": 7, "output_tokens": 5, "cached_tokens": 3, "reasoning_tokens": 2}
    assert found["d"]["error"]["kind"] == "bad-response"
    jsonschema.validate(done.json, json.loads((GOLDEN / "batch.schema.json").read_text()))
    assert (done.json["total"], done.json["done"], done.json["failed"]) == (4, 3, 1)
    assert done.json["usage"] == {"input_tokens": 21, "output_tokens": 15}
    sent = {request.body["messages"][-1]["content"]: request.body for request in server.requests}
    assert sent["hello"]["messages"][0] == {"role": "system", "content": "Be short."}
    assert sent["one"]["messages"][0]["content"] == "S"
    assert (sent["one"]["temperature"], sent["one"]["max_tokens"]) == (0.5, 9)
    assert (tmp_path / "r.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line 2 is not JSON"),
        ("[1]", "line 2 is not a JSON object"),
        ({"prompt": "x", "modle": "m"}, "'modle', which is none of"),
        ({"id": "a", "prompt": "x"}, "line 2 has the id of line 1, 'a'"),
        ({"id": "b"}, "either `prompt` or `messages`"),
        ({"prompt": "x", "messages": []}, "either `prompt` or `messages`"),
        ({"prompt": " "}, "empty prompt"),
        ({"prompt": 5}, "`prompt` that is no text"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "has a message that is not"),
        ({"messages": [{"role": "system", "content": "x"}]}, "no message of the user"),
        ({"id": {"a": 1}, "prompt": "x"}, "an `id` that is no text and no number"),
        ({"id": True, "prompt": "x"}, "an `id` that is no text and no number"),
        ({"prompt": "x", "temperature": "hot"}, "`temperature` that is no number"),
        ('{"prompt": "x", "temperature": Infinity}', "`temperature` that is no number"),
        ('{"prompt": "x", "temperature": NaN}', "`temperature` that is no number"),
        ({"prompt": "x", "max_tokens": 0.5}, "`max_tokens` that is no whole number"),
        ({"prompt": "x", "schema": {"type": "nope"}}, "has a schema that is none"),
        ({"prompt": "x", "model": "nope/m"}, "there is no provider"),
    ],
)
def test_a_wrong_line_is_found_before_anything_is_asked(
    line: Any, says: str, opsvi: Run, prompts: Callable[..., str], tmp_path: Path
) -> None:
    done = opsvi("batch", prompts({"id": "a", "prompt": "x"}, line), "-o", "r.jsonl", "-m", "echo")
    assert done.code == 2
    assert says in done.err
    assert not (tmp_path / "r.jsonl").exists()


def test_bytes_that_are_no_text_are_not_guessed(opsvi: Run, tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_bytes(b'"fine"\n"caf\xe9"\n')
    done = opsvi("batch", "p.jsonl", "-m", "echo")
    assert (done.code, done.out) == (2, "")
    assert "p.jsonl, line 2 is not UTF-8 text" in done.err


def test_instructions_from_a_file_and_a_schema_in_short(
    opsvi: Run, prompts: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "rules.txt").write_text("Be short.\n")
    place = prompts({"id": None, "prompt": "hello"})
    with SpecServer(DOCUMENT, {CHAT: lambda _: answer('{"a": 1}')}, credentials=["host"]) as server:
        done = opsvi("batch", place, *at(server), "--system", "@rules.txt", "--schema", "a int", "-o", "-")
    assert [(row["id"], row["answer"]) for row in done.jsonl] == [("1", {"a": 1})]
    assert server.requests[0].body["messages"][0] == {"role": "system", "content": "Be short.\n"}
    assert opsvi("batch", place, "-m", "echo", "--system", "@nope.txt").code == 2


def test_an_answer_that_does_not_fit_is_not_lost(opsvi: Run, prompts: Callable[..., str]) -> None:
    with SpecServer(DOCUMENT, {CHAT: reply}, credentials=["host"]) as server:
        done = opsvi("batch", prompts({"prompt": "hello"}), *at(server), "--schema", "a int")
    assert done.code == 3
    assert done.jsonl[0]["error"]["partial"] == "You said hello"


def test_it_goes_on_where_it_was(opsvi: Run, prompts: Callable[..., str], tmp_path: Path) -> None:
    results = tmp_path / "r.jsonl"
    first = prompts({"id": "a", "prompt": "one"}, {"id": "b", "prompt": "fail"}, {"id": "c", "prompt": "two"})
    with SpecServer(DOCUMENT, {CHAT: reply}, credentials=["host"]) as server:

        def run(place: str) -> tuple[int, list[str]]:
            before = len(server.requests)
            code = opsvi("batch", place, "-o", "r.jsonl", *at(server), "--jobs", 2, env=FAST).code
            return code, sorted(request.body["messages"][-1]["content"] for request in server.requests[before:])

        assert run(first) == (3, ["fail", "one", "two"])
        assert rows(results)["b"]["error"]["kind"] == "refused"
        assert run(first) == (3, ["fail"])  # failures are asked again
        # Killed while it wrote: the half line is taken out, and asked again.
        lines = [line for line in results.read_text().splitlines() if '"c"' not in line]
        results.write_text("\n".join([*lines, '{"id": "c", "model": "open']))
        assert run(first) == (3, ["fail", "two"])
        # Another question under an old id is another question; what is no longer asked stays.
        assert run(prompts({"id": "a", "prompt": "three"})) == (0, ["three"])
        assert run(prompts({"id": "a", "prompt": "three"})) == (0, [])
    assert {id_: row["answer"] for id_, row in rows(results).items()} == {
        "a": "You said three",
        "c": "You said two",
    }


def test_another_file_is_left_alone(opsvi: Run, prompts: Callable[..., str], tmp_path: Path) -> None:
    place = prompts('"hello"')
    for content in ('{"mine": 1}\n', "text", "a\nb\n", '{"id": "a", "answer": 1}\n'):
        (tmp_path / "mine.txt").write_text(content)
        done = opsvi("batch", place, "-o", "mine.txt", "-m", "echo")
        assert done.code == 2, done.err
        assert (tmp_path / "mine.txt").read_text() == content
    assert opsvi("batch", place, "-o", ".", "-m", "echo").code == 2
    for device in filter(os.path.exists, ("/dev/zero", "/dev/null")):
        done = opsvi("batch", place, "-o", device, "-m", "echo")
        assert (done.code, "is no regular file" in done.err) == (2, True)


def test_without_a_file_results_go_to_stdout(opsvi: Run, prompts: Callable[..., str]) -> None:
    done = opsvi("batch", "-", "-m", "echo", stdin='"hello"\n"you"\n')
    assert sorted(row["answer"] for row in done.jsonl) == ["hello", "you"]
    assert (done.code, done.err) == (0, "2 answered\n")
    assert opsvi("batch", prompts("x"), "-m", "echo", "--json").code == 2
    assert opsvi("batch", prompts(""), "-m", "echo").code == 2
    assert opsvi("batch", prompts('"x"'), "-m", "echo", "--wait", "5").code == 2
    assert opsvi("batch", "missing.jsonl", "-m", "echo").code == 2
    assert opsvi("batch", prompts("x")).code == 2  # no model


def test_a_refused_key_stops_it(opsvi: Run, prompts: Callable[..., str], tmp_path: Path) -> None:
    place = prompts(*({"id": n, "prompt": "x"} for n in range(20)))
    with SpecServer(DOCUMENT, {CHAT: reply}, key="right") as server:
        done = opsvi("batch", place, "-o", "r.jsonl", *at(server), "--jobs", 2, "--json", env=FAST)
    assert done.code == 4
    assert len(server.requests) <= 4  # those under way
    assert done.json["state"] == "stopped"
    assert done.json["waiting"] == 20
    assert rows(tmp_path / "r.jsonl") == {}


@pytest.fixture
def patient() -> Iterator[SpecServer]:
    """Answers at once, but `hang` not before the test is over."""
    over = threading.Event()

    def slow(request: Any) -> Mapping[str, Any]:
        if request.body["messages"][-1]["content"] == "hang":
            over.wait(60)
        return reply(request)

    with SpecServer(DOCUMENT, {CHAT: slow}, credentials=["host"]) as server:
        yield server
        over.set()


def test_the_time_of_the_run_stops_it(
    opsvi: Run, prompts: Callable[..., str], tmp_path: Path, patient: SpecServer
) -> None:
    place = prompts({"id": "a", "prompt": "one"}, {"id": "b", "prompt": "hang"})
    done = opsvi("batch", place, "-o", "r.jsonl", *at(patient), "--timeout", "3s", env=FAST)
    assert done.code == 124
    assert set(rows(tmp_path / "r.jsonl")) == {"a"}


@pytest.mark.parametrize("alias", ["r.jsonl", "sub/../r.jsonl", "link.jsonl"])
def test_two_cannot_write_the_same_results(alias: str, opsvi: Run, prompts: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.jsonl").symlink_to("r.jsonl")

    def busy(request: Any) -> Mapping[str, Any]:
        second = opsvi("batch", "prompts.jsonl", "-o", alias, "-m", "echo")
        return answer(f"{second.code} {second.err}")

    with SpecServer(DOCUMENT, {CHAT: busy}, credentials=["host"]) as server:
        assert opsvi("batch", prompts({"prompt": "x"}), "-o", "r.jsonl", *at(server), env=FAST).code == 0
    assert rows(tmp_path / "r.jsonl")["1"]["answer"].startswith("1 opsvi: r.jsonl is in use by another process")


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle_it_leaves_whole_lines_and_goes_on(
    number: int, opsvi: Run, prompts: Callable[..., str], tmp_path: Path, patient: SpecServer
) -> None:
    place = prompts({"id": "a", "prompt": "one"}, {"id": "b", "prompt": "hang"})
    results = tmp_path / "r.jsonl"
    command = [sys.executable, "-m", "opsvi_cli", "batch", place, "-o", "r.jsonl", *at(patient), "--jobs", "1"]
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(600):
            if len(patient.requests) == 2:
                break
            time.sleep(0.05)
        child.send_signal(number)
        _, err = child.communicate(timeout=30)
    finally:
        child.kill()
    assert child.returncode in (-number, 130)
    assert "Traceback" not in err
    if number == signal.SIGINT:
        assert err.split("\n")[-4:-2] == ["1 answered, 1 to do: r.jsonl", "run the same command again to go on"]
    assert set(rows(results)) == {"a"}
    with SpecServer(DOCUMENT, {CHAT: reply}, credentials=["host"]) as server:
        assert opsvi("batch", place, "-o", "r.jsonl", *at(server), env=FAST).code == 0
        assert [request.body["messages"][-1]["content"] for request in server.requests] == ["hang"]
    assert set(rows(results)) == {"a", "b"}


def test_a_spent_budget_stops_it(opsvi: Run, prompts: Callable[..., str], tmp_path: Path) -> None:
    place = prompts(*({"id": n, "prompt": "x"} for n in range(20)))
    key = {"OPSVI_PROVIDERS__OPENAI__API_KEY": "env:K", "K": "k-0123456789"}  # with a key it is not one's own, but paid
    env = {**FAST, **key, "OPSVI_BUDGET__UNKNOWN_PRICE": "refuse"}
    with SpecServer(DOCUMENT, {CHAT: reply}, credentials=["host"]) as server:
        done = opsvi("batch", place, "-o", "r.jsonl", *at(server), "--max-cost", "1", "--json", env=env)
        assert server.requests == []
    assert (done.code, done.json["waiting"], done.json["state"]) == (5, 20, "stopped")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_full_disk_stops_it_and_says_so(
    opsvi: Run, prompts: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def full(path: Path, mode: str = "r", **more: Any) -> Any:
        return opened(Path("/dev/full") if mode == "ab" else path, mode, **more)

    monkeypatch.setattr(Path, "open", full)
    done = opsvi("batch", prompts('"one"', '"two"'), "-o", "r.jsonl", "-m", "echo", "--jobs", 1, "--json")
    assert (done.code, done.json["state"], done.json["waiting"]) == (1, "stopped", 2)
    assert json.loads(done.err)["error"] == {
        "code": "store",
        "message": "r.jsonl: No space left on device",
        "hint": "make room, and run the same command again",
    }
