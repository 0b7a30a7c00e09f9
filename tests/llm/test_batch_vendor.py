"""`opsvi batch --vendor`: a job handed over, looked after and fetched, against the files and batches of an API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from servers.openai_spec import DOCUMENT, answer

from opsvi_cli.testing import SpecAnswer, SpecRequest, SpecServer

Run = Callable[..., Any]
LINES = [
    {"id": "a", "prompt": "one"},
    {"id": "b", "prompt": "one", "max_tokens": 5, "temperature": 1},
    {"id": "c", "prompt": "two", "schema": {"type": "object", "required": ["x"]}},
    {"id": "d", "prompt": "three"},
    {"id": "e", "prompt": "four"},
]


class Vendor:
    """Files and batches as OpenAI keeps them. `status` is what the job is said to be."""

    def __init__(self) -> None:
        self.status = "in_progress"
        self.uploaded: list[dict[str, Any]] = []
        self.answered = [0, 1, 2]
        self.refused = [3]

    def script(self) -> dict[str, Any]:
        return {
            "POST /files": self._upload,
            "GET /files/{file}/content": self._content,
            "POST /batches": lambda _request: self._batch(),
            "GET /batches/{batch}": lambda _request: self._batch(),
            "POST /batches/{batch}/cancel": self._cancel,
        }

    def _upload(self, request: SpecRequest) -> dict[str, Any]:
        self.uploaded = [json.loads(line) for line in request.body["file"].splitlines()]
        return {"id": "file-in"}

    def _batch(self) -> dict[str, Any]:
        counts = {"total": len(self.uploaded), "completed": len(self.answered), "failed": len(self.refused)}
        files = {"output_file_id": "file-out", "error_file_id": "file-err"} if self.status != "in_progress" else {}
        return {"id": "batch_7", "status": self.status, "request_counts": counts, **files}

    def _cancel(self, _request: SpecRequest) -> dict[str, Any]:
        self.status = "cancelled"
        return self._batch()

    def _content(self, request: SpecRequest) -> SpecAnswer:
        if request.path_params["file"] == "file-err":
            rows = [self._row(n, 400, {"error": {"message": "bad request"}}) for n in self.refused]
        else:
            rows = [self._row(n, 200, answer(f"answer {n}")) for n in reversed(self.answered)]
        return SpecAnswer("".join(json.dumps(row) + "\n" for row in rows), headers={"content-type": "text/plain"})

    def _row(self, number: int, status: int, body: dict[str, Any]) -> dict[str, Any]:
        custom = self.uploaded[number]["custom_id"]
        return {"custom_id": custom, "response": {"status_code": status, "body": body}, "error": None}


@pytest.fixture
def batch(opsvi: Run, tmp_path: Path) -> Run:
    """`batch(server, *flags)` over LINES; the answers go to r.jsonl."""
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))

    def call(server: SpecServer, *flags: str, **env: str) -> Any:
        values = {
            "OPSVI_PROVIDERS__OPENAI__BASE_URL": server.url,
            "OPSVI_PROVIDERS__OPENAI__API_KEY": "env:K",
            "OPSVI_PROVIDERS__OPENAI__BATCHES": "true",
            "OPSVI_RESILIENCE__RETRIES": "0",
            "K": "k-0123456789",
            **env,
        }
        return opsvi("batch", "p.jsonl", "-o", "r.jsonl", "-m", "openai/m", *flags, env=values)

    return call


def results(tmp_path: Path) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())}


def test_handed_over_looked_after_and_fetched(batch: Run, tmp_path: Path, opsvi: Run) -> None:
    vendor = Vendor()
    with SpecServer(DOCUMENT, vendor.script(), key="k-0123456789") as server:
        first = batch(server, "--vendor")
        assert first.code == 0
        assert "batch_7: running, 3 of 5 done, 1 failed" in first.err
        assert "5 to do: r.jsonl" in first.err
        assert [line["url"] for line in vendor.uploaded] == ["/v1/chat/completions"] * 5
        assert vendor.uploaded[1]["body"] == {
            "model": "m",
            "messages": [{"role": "user", "content": "one"}],
            "max_tokens": 5,
            "temperature": 1,
        }
        again = batch(server, "--vendor", "--json")
        assert (again.code, again.json["state"], again.json["job"]) == (0, "running", "batch_7")

        vendor.status = "completed"
        done = batch(server, "--vendor", "--json")
        submitted = [request for request in server.requests if request.operation == "POST /batches"]
        assert len(submitted) == 1
        found = results(tmp_path)
        assert done.code == 3
        assert done.json["state"] == "done"
        assert (found["a"]["answer"], found["b"]["answer"]) == ("answer 0", "answer 1")
        assert "does not satisfy --schema" in found["c"]["error"]["message"]
        assert "bad request" in found["d"]["error"]["message"]
        assert "no answer" in found["e"]["error"]["message"]

        # What failed can be asked again, here or there; what has its answer is not.
        vendor.status, vendor.answered, vendor.refused = "completed", [0, 1, 2], []
        batch(server, "--vendor")
        assert [line["body"]["messages"][0]["content"] for line in vendor.uploaded] == ["two", "three", "four"]
        assert not any(request.reasons for request in server.requests)
    assert results(tmp_path)["e"]["answer"] == "answer 2"
    assert "k-0123456789" not in "".join(path.read_text() for path in tmp_path.rglob("*.json*"))


def test_waiting(batch: Run, tmp_path: Path) -> None:
    vendor = Vendor()
    vendor.answered, vendor.refused = [0, 1, 2, 3, 4], []
    script = vendor.script()
    looks: list[str] = []

    def look(_request: SpecRequest) -> dict[str, Any]:
        looks.append(vendor.status)
        vendor.status = "completed" if len(looks) >= 3 else "in_progress"
        return vendor._batch()

    script["GET /batches/{batch}"] = look
    with SpecServer(DOCUMENT, script, key="k-0123456789") as server:
        done = batch(server, "--vendor", "--wait", "0.01")
    assert len(looks) == 4  # the fourth for the names of the files
    assert set(results(tmp_path)) == {"a", "b", "c", "d", "e"}
    assert done.code == 3  # c is no JSON


def test_cancelling(batch: Run, tmp_path: Path) -> None:
    vendor = Vendor()
    with SpecServer(DOCUMENT, vendor.script(), key="k-0123456789") as server:
        assert batch(server, "--cancel").code == 1
        batch(server, "--vendor")
        done = batch(server, "--cancel")
        assert (done.code, done.err) == (0, "batch_7 is cancelled\n")
        fetched = batch(server, "--vendor", "--json")
    assert fetched.json["state"] == "cancelled"
    assert results(tmp_path)["a"]["answer"] == "answer 0"


def test_it_costs_half_and_is_counted_once(batch: Run, opsvi: Run) -> None:
    vendor = Vendor()
    vendor.status, vendor.answered, vendor.refused = "completed", [0, 1, 3, 4], [2]
    prices = {"OPSVI_PROVIDERS__OPENAI__PRICES": '{"m": {"input": 1000, "output": 2000}}'}
    with SpecServer(DOCUMENT, vendor.script(), key="k-0123456789") as server:
        batch(server, "--vendor", **prices)
    (row,) = opsvi("usage", "--by", "model", "--json").json["rows"]
    used = answer("x")["usage"]
    one = (used["prompt_tokens"] * 1000 + used["completion_tokens"] * 2000) / 1e6 / 2
    assert (row["calls"], row["failed"], row["cost"]) == (5, 1, pytest.approx(4 * one))


def test_results_that_are_fetched_again_are_not_counted_again(batch: Run, opsvi: Run, tmp_path: Path) -> None:
    vendor = Vendor()
    vendor.status, vendor.answered, vendor.refused = "completed", [0, 1], []
    script = vendor.script()

    def content(request: SpecRequest) -> SpecAnswer:
        found = vendor._content(request)
        return SpecAnswer(str(found.body) + ("" if whole else "{not json"), headers=found.headers)

    with SpecServer(DOCUMENT, {**script, "GET /files/{file}/content": content}, key="k-0123456789") as server:
        whole = False
        assert batch(server, "--vendor").code == 1
        assert opsvi("usage", "--json").json["total"]["calls"] == 0
        whole = True
        batch(server, "--vendor")
    assert opsvi("usage", "--json").json["total"]["calls"] == 2


def test_personal_data_is_looked_for(batch: Run, tmp_path: Path) -> None:
    vendor = Vendor()
    line = {"id": "mail", "prompt": "Write to ana@example.org"}
    (tmp_path / "p.jsonl").write_text(json.dumps(line) + "\n")
    with SpecServer(DOCUMENT, vendor.script(), key="k-0123456789") as server:
        blocked = batch(server, "--vendor", "--pii", "block")
        assert (blocked.code, blocked.err.splitlines()[0]) == (
            1,
            "opsvi: mail: the prompt holds personal data, and nothing was sent: 1 x e-mail address",
        )
        assert server.requests == []
        batch(server, "--vendor", "--pii", "redact")
    assert vendor.uploaded[0]["body"]["messages"][0]["content"] == "Write to [EMAIL_1]"


def test_what_cannot_be_handed_over(batch: Run, opsvi: Run, tmp_path: Path) -> None:
    with SpecServer(DOCUMENT, Vendor().script(), key="k-0123456789") as server:
        for flags, env, says in (
            (("--max-cost", "1"), {}, "a budget cannot be kept"),
            ((), {"OPSVI_PROVIDERS__OPENAI__BATCHES": "false"}, "openai has no batch jobs"),
        ):
            done = batch(server, "--vendor", *flags, **env)
            assert (done.code, says in done.err) == (2, True), done.err
        assert server.requests == []
    assert opsvi("batch", "p.jsonl", "-o", "r.jsonl", "-m", "echo", "--vendor").code == 2
    assert opsvi("batch", "p.jsonl", "-m", "echo", "--vendor").code == 2
    with (tmp_path / "p.jsonl").open("a") as file:
        file.write('{"id": "z", "prompt": "x", "model": "echo"}\n')
    with SpecServer(DOCUMENT, {}) as server:
        assert "for one model" in batch(server, "--vendor").err


def test_an_answer_that_is_none_leaves_the_others(batch: Run, tmp_path: Path) -> None:
    vendor = Vendor()
    script = vendor.script()

    def content(request: SpecRequest) -> SpecAnswer:
        broken = {"choices": [{"index": 0, "finish_reason": "error", "message": {"content": "half"}}]}
        rows = [vendor._row(0, 200, {"choices": []}), vendor._row(1, 200, broken), vendor._row(3, 200, answer("ok"))]
        found = rows if request.path_params["file"] == "file-out" else []
        return SpecAnswer("".join(json.dumps(row) + "\n" for row in found), headers={"content-type": "text/plain"})

    with SpecServer(DOCUMENT, {**script, "GET /files/{file}/content": content}, key="k-0123456789") as server:
        assert batch(server, "--vendor").code == 0
        vendor.status = "completed"
        assert batch(server, "--vendor").code == 3
    rows = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows if row.get("answer") == "ok"] == ["d"]
    assert "it ended the answer with 'error'" in str(rows)


@pytest.mark.parametrize("body", [{"id": 5}, [], {"id": "b", "status": "odd"}])
def test_answers_that_are_none(body: Any, batch: Run) -> None:
    script = {**Vendor().script(), "GET /batches/{batch}": SpecAnswer(body)}
    with SpecServer(DOCUMENT, script, key="k-0123456789") as server:
        done = batch(server, "--vendor")
    assert done.code == 1
    assert "openai at http" in done.err
