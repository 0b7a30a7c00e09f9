"""Provider `anthropic`: Claude models through the Messages API, its token counter and its batch jobs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from opsvi_cli.sdk import (
    BatchItem,
    BatchResult,
    BatchStatus,
    ModelInfo,
    ModelRequest,
    Server,
    Services,
    StreamEvent,
)

from . import batches
from .answer import stream_events, whole_answer
from .client import anthropic_connection, open_client
from .request import Block, body, counted
from .settings import read_settings

_CAPABILITIES = frozenset({"stream", "tools", "schema", "images", "files", "usage", "reasoning"})
_SERVER_NAMES = {"image_input": "images", "pdf_input": "files", "structured_outputs": "schema", "thinking": "reasoning"}
_PAGE = 100
_PAGES = 20
_REMEMBERED = 256


class Anthropic:
    """Settings `providers.anthropic`: base_url, api_key (a reference), timeout (seconds), model; max_tokens, thinking,
    effort."""

    batch_price = 0.5
    _thoughts: ClassVar[OrderedDict[str, Sequence[Block]]] = OrderedDict()
    """Of the whole process: each step of a conversation with tools builds the part anew."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def check(self) -> None:
        """Raises UsageError, CredentialsError for a setting that is wrong, and a key that is missing."""
        read_settings(self._services)
        anthropic_connection(self._services)

    def capabilities(self, model: str) -> frozenset[str]:
        return _CAPABILITIES

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """Events of one answer. Closing the iterator closes the connection."""
        settings = read_settings(self._services)
        where = anthropic_connection(self._services)
        server = where.server(request.model)
        made = body(request, settings, self._thoughts)
        with open_client(self._services, where, server) as client:
            from anthropic import Stream

            # All but the three that must be there: the SDK's own parameters warn, or lag behind the API.
            fixed = {name: made.pop(name) for name in ("model", "messages", "max_tokens")}
            answer = client.messages.with_raw_response.create(
                **fixed, stream=request.stream, extra_body=made, timeout=client.timeout
            )
            content_type = answer.headers.get("content-type", "")
            if "event-stream" in content_type:
                events = Stream.raw_events(answer.http_response)
                yield from stream_events(events, server, content_type, self._keep)
            else:
                yield from whole_answer(_document(answer, server), server, content_type, self._keep)

    def models(self) -> list[ModelInfo]:
        """What the server lists, by name."""
        where = anthropic_connection(self._services)
        server = where.server("")
        found: dict[str, ModelInfo] = {}
        with open_client(self._services, where, server) as client:
            after: dict[str, Any] = {}
            for _ in range(_PAGES):  # a server may claim for ever that there is more
                page = _document(client.models.with_raw_response.list(limit=_PAGE, **after), server)
                data = page.get("data")
                if not isinstance(data, list):
                    raise server.bad_response("the list of models has another shape")
                known = len(found)
                for entry in data:
                    if isinstance(entry, dict) and isinstance(entry.get("id"), str) and entry["id"]:
                        found[entry["id"]] = self._model(entry)
                last = page.get("last_id")
                if not page.get("has_more") or not isinstance(last, str) or len(found) == known:
                    break
                after = {"after_id": last}
        return [found[id_] for id_ in sorted(found)]

    def count_tokens(self, request: ModelRequest) -> int:
        """What the request costs as input, counted by the server, which asks nothing for it."""
        where = anthropic_connection(self._services)
        server = where.server(request.model)
        made = counted(request, read_settings(self._services), self._thoughts)
        with open_client(self._services, where, server) as client:
            fixed = {name: made.pop(name) for name in ("model", "messages")}
            answer = client.messages.with_raw_response.count_tokens(**fixed, extra_body=made)
            tokens = _document(answer, server).get("input_tokens")
            if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
                raise server.bad_response("the answer holds no number of tokens")
            return tokens

    def submit_batch(self, items: Sequence[BatchItem]) -> str:
        """One job of all requests; they are answered within a day, at half the price."""
        settings = read_settings(self._services)
        where = anthropic_connection(self._services)
        server = where.server("")
        requests = [
            {"custom_id": batches.custom_id(item.id, server), "params": body(item.request, settings, self._thoughts)}
            for item in items
        ]
        with open_client(self._services, where, server) as client:
            create: Any = client.messages.batches.with_raw_response.create
            return batches.job(_document(create(requests=requests), server), server)

    def batch_status(self, job: str) -> BatchStatus:
        where = anthropic_connection(self._services)
        server = where.server("")
        with open_client(self._services, where, server) as client:
            return batches.status(_document(client.messages.batches.with_raw_response.retrieve(job), server), server)

    def batch_results(self, job: str) -> Iterator[BatchResult]:
        """In the order of the server. Of one job at most 16 MB."""
        where = anthropic_connection(self._services)
        server = where.server("")
        with open_client(self._services, where, server) as client:
            yield from batches.results(client, job, server)

    def cancel_batch(self, job: str) -> None:
        where = anthropic_connection(self._services)
        server = where.server("")
        with open_client(self._services, where, server) as client:
            batches.job(_document(client.messages.batches.with_raw_response.cancel(job), server), server)

    def _model(self, entry: Mapping[str, Any]) -> ModelInfo:
        window = entry.get("max_input_tokens")
        able = _CAPABILITIES
        if isinstance(stated := entry.get("capabilities"), dict):
            missing = {
                name
                for key, name in _SERVER_NAMES.items()
                if isinstance(one := stated.get(key), dict) and one.get("supported") is False
            }
            able -= missing
        whole = isinstance(window, int) and not isinstance(window, bool) and window > 0
        return ModelInfo(entry["id"], self._services.name, able, window if whole else None)

    def _keep(self, call: str, thinking: Sequence[Block]) -> None:
        self._thoughts[call] = thinking
        while len(self._thoughts) > _REMEMBERED:
            self._thoughts.popitem(last=False)


def _document(answer: Any, server: Server) -> dict[str, Any]:
    """The JSON object of an answer. Raises ProviderError for anything else."""
    content_type = answer.headers.get("content-type", "")
    if "json" not in content_type:
        answer.http_response.close()
        raise server.bad_response("the answer is no answer of a model", content_type=content_type or "none")
    answer.http_response.read()
    body = answer.http_response.json()
    if not isinstance(body, dict):
        raise server.bad_response("the answer has another shape", content_type=content_type)
    return body
