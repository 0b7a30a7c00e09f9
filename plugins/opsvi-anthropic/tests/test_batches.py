"""Batch jobs: ids, states, results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import wire
from wire import SpecAnswer

from opsvi_cli.sdk import (
    BatchItem,
    BatchProvider,
    BatchResult,
    BatchStatus,
    Message,
    ModelRequest,
    ProviderError,
    TokenCounter,
    Usage,
    UsageError,
)

JOBS = "/v1/messages/batches"


def _job(state: str = "in_progress", **counts: int) -> dict[str, Any]:
    zero = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    return {
        "id": "msgbatch_1",
        "type": "message_batch",
        "processing_status": state,
        "request_counts": {**zero, **counts},
        "results_url": "https://elsewhere.example/results",
    }


def _items(*ids: str) -> list[BatchItem]:
    return [BatchItem(id_, ModelRequest(wire.MODEL, [Message("user", f"question {id_}")])) for id_ in ids]


def test_the_protocols(make: Callable[..., Any]) -> None:
    provider = make("http://127.0.0.1:9")
    assert isinstance(provider, BatchProvider)
    assert isinstance(provider, TokenCounter)


def test_ids_of_all_kinds_come_back(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    ids = ["plain-1", "line 7", "b64-x", "\u00fc/\u00df"]
    with serve({f"POST {JOBS}": _job(processing=4)}) as server:
        assert make(server.url).submit_batch(_items(*ids)) == "msgbatch_1"
        sent = server.requests[0].body["requests"]
    assert sent[0]["custom_id"] == "plain-1"
    assert "stream" not in sent[0]["params"]
    assert sent[1]["params"]["messages"][0]["content"][0]["text"] == "question line 7"
    lines = [
        {"custom_id": one["custom_id"], "result": {"type": "succeeded", "message": wire.message(wire.text("yes"))}}
        for one in sent
    ]
    with serve({f"GET {JOBS}/{{id}}/results": SpecAnswer.ndjson(lines)}) as server:
        assert list(make(server.url).batch_results("msgbatch_1")) == [
            BatchResult(i, "yes", Usage(16, 5, 4)) for i in ids
        ]
        assert server.requests[0].path.endswith("/msgbatch_1/results")


@pytest.mark.parametrize("id_", ["", "x" * 65, "\u00fc" * 23])
def test_ids_that_are_too_long(make: Callable[..., Any], id_: str) -> None:
    with pytest.raises(UsageError, match="cannot be the id"):
        make("http://127.0.0.1:9").submit_batch(_items(id_))


@pytest.mark.parametrize(
    ("job", "state", "done", "failed"),
    [
        (_job(processing=3), "running", 0, 0),
        (_job("canceling", processing=3), "running", 0, 0),
        (_job("ended", succeeded=2, errored=1), "done", 2, 1),
        (_job("ended", succeeded=1, canceled=2), "cancelled", 1, 2),
        (_job("ended", succeeded=1, expired=2), "expired", 1, 2),
    ],
)
def test_states(
    make: Callable[..., Any], serve: Callable[..., Any], job: dict[str, Any], state: Any, done: int, failed: int
) -> None:
    with serve({f"GET {JOBS}/{{id}}": job}) as server:
        assert make(server.url).batch_status("msgbatch_1") == BatchStatus("msgbatch_1", state, 3, done, failed)


def test_results_that_failed(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    cut = wire.message(wire.text("cut"), stop="max_tokens")
    lines = [
        {
            "custom_id": "a",
            "result": {"type": "errored", "error": wire.error("invalid_request_error", "no such model")},
        },
        {"custom_id": "b", "result": {"type": "canceled"}},
        {"custom_id": "c", "result": {"type": "expired"}},
        {"custom_id": "d", "result": {"type": "succeeded", "message": wire.message(stop="refusal")}},
        {"custom_id": "e", "result": {"type": "succeeded", "message": {"content": 3}}},
        {"custom_id": "f", "result": {"type": "succeeded", "message": cut}},
    ]
    with serve({f"GET {JOBS}/{{id}}/results": SpecAnswer.ndjson(lines)}) as server:
        found = {one.id: one.error for one in make(server.url).batch_results("msgbatch_1")}
    assert found["a"] == "no such model"
    assert "cancelled" in found["b"]
    assert "in time" in found["c"]
    assert "refused" in found["d"]
    assert "incomplete" in found["f"]
    assert "holds no message" in found["e"]


def test_cancelling(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    with serve({f"POST {JOBS}/{{id}}/cancel": _job("canceling")}) as server:
        make(server.url).cancel_batch("msgbatch_1")
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [SpecAnswer({"id": "x"}), SpecAnswer("<html>", headers={"content-type": "text/html"}), SpecAnswer([1])],
)
def test_strange_answers(make: Callable[..., Any], serve: Callable[..., Any], answer: Any) -> None:
    with serve({f"GET {JOBS}/{{id}}": answer, f"GET {JOBS}/{{id}}/results": answer}, check_answers=False) as server:
        provider = make(server.url)
        for ask in (lambda: provider.batch_status("x"), lambda: list(provider.batch_results("x"))):
            with pytest.raises(ProviderError) as caught:
                ask()
            assert caught.value.kind == "bad-response"


def test_a_job_that_is_not_there(make: Callable[..., Any], serve: Callable[..., Any]) -> None:
    gone = SpecAnswer(wire.error("not_found_error", "no such batch"), 404)
    with serve({f"GET {JOBS}/{{id}}": gone}) as server, pytest.raises(ProviderError) as caught:
        make(server.url).batch_status("../x")
    assert caught.value.kind == "not-found"
