"""OpenAI's batch jobs: a file of requests goes up, a file of answers comes down within a day."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from opsvi_cli.sdk import (
    BatchItem,
    BatchResult,
    BatchStatus,
    Connection,
    Server,
    Services,
    UsageError,
    batch_result,
)

from .openai_answers import whole_answer
from .openai_client import check_type, open_client
from .openai_presets import Preset
from .openai_request import request_body

_ENDPOINT: Final = "/v1/chat/completions"
_STATES: Mapping[str, Literal["running", "done", "failed", "cancelled", "expired"]] = {
    "validating": "running",
    "in_progress": "running",
    "finalizing": "running",
    "cancelling": "running",
    "completed": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "expired": "expired",
}


class Batches:
    """The jobs of one account. Raises UsageError for a preset without them."""

    def __init__(self, services: Services, where: Connection, preset: Preset) -> None:
        if not preset.batches:
            raise UsageError(f"{where.name} has no batch jobs", hint="run the batch without --vendor")
        self._services = services
        self._where = where
        self._preset = preset

    def submit(self, items: Sequence[BatchItem]) -> str:
        server = self._where.server(items[0].request.model if items else "")
        lines = []
        for item in items:
            body = request_body(replace(item.request, stream=False), server, self._preset)
            body = {**body, **body.pop("extra_body", {})}
            del body["stream"]
            lines.append(json.dumps({"custom_id": item.id, "method": "POST", "url": _ENDPOINT, "body": body}))
        with open_client(self._services, self._where, self._preset) as client:
            data = "\n".join(lines).encode() + b"\n"
            raw = client.files.with_raw_response.create(file=("batch.jsonl", data), purpose="batch")
            file = self._object(raw, server)
            made = client.batches.with_raw_response.create(
                input_file_id=str(file["id"]), endpoint=_ENDPOINT, completion_window="24h"
            )
            return str(self._object(made, server)["id"])

    def status(self, job: str) -> BatchStatus:
        server = self._where.server("")
        with open_client(self._services, self._where, self._preset) as client:
            return _status(self._object(client.batches.with_raw_response.retrieve(job), server), server)

    def cancel(self, job: str) -> None:
        server = self._where.server("")
        with open_client(self._services, self._where, self._preset) as client:
            self._object(client.batches.with_raw_response.cancel(job), server)

    def results(self, job: str) -> Iterator[BatchResult]:
        server = self._where.server("")
        with open_client(self._services, self._where, self._preset) as client:
            found = self._object(client.batches.with_raw_response.retrieve(job), server)
            if _status(found, server).state == "running":
                raise UsageError(f"{job} is not done", hint="ask again later")
            for name in ("output_file_id", "error_file_id"):
                if identity := found.get(name):
                    text = client.files.content(str(identity)).text
                    yield from (self._result(line, server) for line in text.split("\n") if line.strip())

    def _result(self, line: str, server: Server) -> BatchResult:
        row = json.loads(line)
        identity = str(row.get("custom_id") or "")
        answer = row.get("response") or {}
        body = answer.get("body") or {}
        error = row.get("error") or (body.get("error") if answer.get("status_code") != 200 else None)
        if error or not body:
            said = error.get("message") or error.get("code") if isinstance(error, dict) else error
            return BatchResult(identity, "", error=server.clean(said or "there is no answer"))
        return batch_result(identity, whole_answer(body, server, self._preset, "json"))

    def _object(self, raw: Any, server: Server) -> dict[str, Any]:
        """The JSON object of an answer, with an id."""
        check_type(raw, server, "json", "the answer is none of a batch API")
        body = raw.http_response.json()
        if not isinstance(body, dict) or not isinstance(body.get("id"), str):
            raise server.bad_response("the answer is none of a batch API")
        return body


def _status(body: Mapping[str, Any], server: Server) -> BatchStatus:
    state = _STATES.get(str(body.get("status")))
    if state is None:
        raise server.bad_response(f"the state of the job is {body.get('status')!r}, which is not known")
    counts = body.get("request_counts") or {}
    numbers = [int(counts.get(name) or 0) for name in ("total", "completed", "failed")]
    return BatchStatus(str(body["id"]), state, *numbers)
