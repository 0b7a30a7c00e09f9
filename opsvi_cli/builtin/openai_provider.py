"""Provider `openai` and its presets: chat models of every server that speaks OpenAI's chat completions API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import (
    BatchItem,
    BatchResult,
    BatchStatus,
    Connection,
    ModelInfo,
    ModelRequest,
    Services,
    StreamEvent,
)

from .openai_answers import stream_events, whole_answer
from .openai_client import check_type, open_client, openai_connection
from .openai_presets import Preset, preset_of
from .openai_request import request_body

if TYPE_CHECKING:
    from .openai_batches import Batches

_NO_ANSWER = "the answer is no answer of a model"


class OpenAI:
    """Settings `providers.NAME`: base_url, api_key (a reference), timeout (seconds), model, organization, preset,
    api_version (Azure's classic addresses), and the quirks of `Preset`."""

    batch_price = 0.5

    def __init__(self, services: Services) -> None:
        self._services = services

    @cached_property
    def _preset(self) -> Preset:
        return preset_of(self._services)

    @cached_property
    def _where(self) -> Connection:
        return openai_connection(self._services, self._preset)

    @property
    def local(self) -> bool:
        """A server on this machine, which runs or not: nobody asks it for its models unless it is set up."""
        return self._preset.keyless

    @property
    def free(self) -> bool:
        return self._preset.is_free(self._services.options)

    def check(self) -> None:
        """Raises UsageError, CredentialsError for a setting that is wrong, and a key that is missing."""
        _ = self._where

    def capabilities(self, model: str) -> frozenset[str]:
        preset = self._preset
        can = {
            "tools": preset.tools,
            "images": preset.images,
            "files": preset.files,
            "reasoning": preset.reasoning or preset.think_tags,
        }
        return frozenset({"stream", "schema", "usage", *(name for name, has in can.items() if has)})

    def models(self) -> list[ModelInfo]:
        """What the server lists, by name."""
        server = self._where.server("")
        with open_client(self._services, self._where, self._preset) as client:
            answer = client.models.with_raw_response.list()
            check_type(answer, server, "json", _NO_ANSWER)
            body = answer.http_response.json()
            if not isinstance(body, dict) or not isinstance(body.get("data"), list):
                raise server.bad_response("the list of models has another shape")
            return sorted(
                (
                    ModelInfo(id=str(entry["id"]), provider=self._services.name, context_window=_window(entry))
                    for entry in body["data"]
                    if isinstance(entry, dict) and isinstance(entry.get("id"), str) and entry["id"]
                ),
                key=lambda model: model.id,
            )

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """Events of one answer. Closing the iterator closes the connection."""
        preset = self._preset
        server = self._where.server(request.model)
        body = request_body(request, server, preset)
        with open_client(self._services, self._where, preset, request.model) as client:
            try:
                answer = client.chat.completions.with_raw_response.create(**body)
            except Exception as error:  # looked at, and raised again unless it is this one
                if not _refuses_usage(error, body):
                    raise
                del body["stream_options"]
                answer = client.chat.completions.with_raw_response.create(**body)
            content_type = answer.headers.get("content-type", "")
            if "event-stream" in content_type or (request.stream and not content_type):
                yield from stream_events(answer.parse(), server, preset, content_type)
            else:
                check_type(answer, server, "json", _NO_ANSWER)
                answer.http_response.read()
                yield from whole_answer(answer.http_response.json(), server, preset, content_type)

    # Batch jobs (`sdk.BatchProvider`)

    @cached_property
    def _batches(self) -> Batches:
        from .openai_batches import Batches

        return Batches(self._services, self._where, self._preset)

    def submit_batch(self, items: Sequence[BatchItem]) -> str:
        return self._batches.submit(items)

    def batch_status(self, job: str) -> BatchStatus:
        return self._batches.status(job)

    def batch_results(self, job: str) -> Iterator[BatchResult]:
        return self._batches.results(job)

    def cancel_batch(self, job: str) -> None:
        self._batches.cancel(job)


def _refuses_usage(error: Exception, body: Mapping[str, Any]) -> bool:
    """True for the servers that know no `stream_options` and say so."""
    status = getattr(error, "status_code", None)
    return "stream_options" in body and status in (400, 422) and "stream_options" in str(error)


def _window(entry: Mapping[str, Any]) -> int | None:
    """Servers name the context window differently, if at all (vLLM, OpenRouter, llama.cpp)."""
    meta = entry.get("meta")
    places: tuple[Mapping[str, Any], ...] = (entry, meta) if isinstance(meta, dict) else (entry,)
    for place in places:
        for name in ("max_model_len", "context_length", "max_context_length", "context_window", "n_ctx", "n_ctx_train"):
            value = place.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None
