"""Batch jobs of the Messages API: ids, states and results in opsvi's terms."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from opsvi_cli.sdk import BatchResult, BatchStatus, Server, UsageError, batch_result

from .answer import whole_answer

if TYPE_CHECKING:
    from anthropic import Anthropic

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ENCODED = "b64-"


def custom_id(id_: str, server: Server) -> str:
    """The caller's id in the letters that the API allows; `caller_id` turns it back. Raises UsageError."""
    if _PLAIN.fullmatch(id_) and not id_.startswith(_ENCODED):
        return id_
    encoded = _ENCODED + base64.urlsafe_b64encode(id_.encode("utf-8", "surrogatepass")).decode("ascii").rstrip("=")
    if len(encoded) > 64 or not id_:
        raise UsageError(
            f"{server.name}: {id_[:80]!r} cannot be the id of a request",
            hint="use letters, digits, - and _: 64 at most, or 45 bytes of other text",
        )
    return encoded


def caller_id(id_: str) -> str:
    if not id_.startswith(_ENCODED):
        return id_
    body = id_.removeprefix(_ENCODED)
    try:
        return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode("utf-8", "surrogatepass")
    except ValueError:
        return id_


def job(body: dict[str, Any], server: Server) -> str:
    id_ = body.get("id")
    if not isinstance(id_, str) or not id_:
        raise server.bad_response("the answer names no batch job")
    return id_


def status(body: dict[str, Any], server: Server) -> BatchStatus:
    counts = body.get("request_counts")
    state = body.get("processing_status")
    if not isinstance(counts, dict) or not isinstance(state, str):
        raise server.bad_response("the batch job has another shape")
    done, errored, expired, cancelled, open_ = (
        _whole(counts.get(name), server) for name in ("succeeded", "errored", "expired", "canceled", "processing")
    )
    total = done + errored + expired + cancelled + open_
    return BatchStatus(
        id=job(body, server),
        state="running" if state != "ended" else "cancelled" if cancelled else "expired" if expired else "done",
        total=total,
        done=done,
        failed=errored + expired + cancelled,
    )


def _whole(value: object, server: Server) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise server.bad_response("the batch job counts in something that is no number")
    return value


def results(client: Anthropic, job: str, server: Server) -> Iterator[BatchResult]:
    """Asked for under the address of the API itself: the one that the job names may lie elsewhere, and the key would
    go there."""
    import httpx2

    answer: Any = client.get(f"/v1/messages/batches/{quote(job, safe='')}/results", cast_to=httpx2.Response)
    content_type = answer.headers.get("content-type", "")
    if "html" in content_type:
        raise server.bad_response("the answer holds no results", content_type=content_type)
    for line in answer.text.splitlines():
        if line.strip():
            yield _result(json.loads(line), server)


def _result(line: Any, server: Server) -> BatchResult:
    result = line.get("result") if isinstance(line, dict) else None
    id_ = line.get("custom_id") if isinstance(line, dict) else None
    if not isinstance(result, dict) or not isinstance(id_, str):
        raise server.bad_response("a result of the batch job has another shape")
    id_ = caller_id(id_)
    kind = result.get("type")
    if kind != "succeeded":
        reason = server.said(result.get("error"))[1]
        said = {"canceled": "cancelled before it was answered", "expired": "not answered in time"}
        return BatchResult(id_, "", error=reason or said.get(str(kind), "the server failed"))
    return batch_result(id_, whole_answer(result.get("message"), server, "", lambda *_: None))
