"""Provider `cohere`: Cohere's chat models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opsvi_cli.sdk import ModelInfo, ModelRequest, Services, StreamEvent

from .answer import stream_events, whole_answer
from .client import cohere_connection, document, open_client
from .request import arguments

_CAPABILITIES = frozenset({"stream", "tools", "schema", "usage", "reasoning"})
_PAGE = 500
_PAGES = 20


class Cohere:
    """Settings `providers.cohere`: base_url, api_key (a reference), timeout (seconds), model, thinking, images."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def check(self) -> None:
        """Raises UsageError, CredentialsError for a setting that is wrong, and a key that is missing."""
        cohere_connection(self._services)

    def capabilities(self, model: str) -> frozenset[str]:
        """Images are for the models that see: those that say so by their names, and all with the setting `images`."""
        sees = "vision" in model or self._services.options.get("images") in (True, "true")
        return _CAPABILITIES | {"images"} if sees else _CAPABILITIES

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """Events of one answer. Closing the iterator closes the connection."""
        where = cohere_connection(self._services)
        server = where.server(request.model)
        made = arguments(request, self._services)
        with open_client(self._services, where, server) as client:
            from cohere.core.http_sse import EventSource

            raw: Any = client.with_raw_response
            if not request.stream:
                yield from whole_answer(document(raw.chat(**made), server), server, "application/json")
                return
            with raw.chat_stream(**made) as answer:
                # The SDK passes over events that it cannot read; here they are read, and are errors.
                content_type = answer.headers.get("content-type", "")
                if "event-stream" in content_type:
                    yield from stream_events(EventSource(answer.response).iter_sse(), server, content_type)
                else:
                    yield from whole_answer(document(answer, server), server, content_type)

    def models(self) -> list[ModelInfo]:
        """The chat models that the server lists, by name."""
        where = cohere_connection(self._services)
        server = where.server("")
        found: dict[str, ModelInfo] = {}
        with open_client(self._services, where, server) as client:
            raw: Any = client.models.with_raw_response
            more: dict[str, Any] = {}
            for _ in range(_PAGES):  # a server may claim for ever that there is more
                body = document(raw.list(endpoint="chat", page_size=_PAGE, **more), server)
                listed = body.get("models")
                if not isinstance(listed, list):
                    raise server.bad_response("the list of models has another shape")
                known = len(found)
                for entry in listed:
                    if isinstance(entry, dict) and isinstance(entry.get("name"), str) and entry["name"]:
                        found[entry["name"]] = self._model(entry)
                token = body.get("next_page_token")
                if not isinstance(token, str) or not token or len(found) == known:
                    break
                more = {"page_token": token}
        return [found[name] for name in sorted(found)]

    def _model(self, entry: Mapping[str, Any]) -> ModelInfo:
        """`features` says what a model can, where the server names any."""
        name, window, features = entry["name"], entry.get("context_length"), entry.get("features")
        able = self.capabilities(name)
        if isinstance(features, list) and "vision" in features:
            able |= {"images"}
        whole = isinstance(window, (int, float)) and not isinstance(window, bool) and window >= 1
        return ModelInfo(name, self._services.name, able, int(window) if whole and window is not None else None)
