"""Provider `huggingface`: chat models behind the router of Hugging Face, or on a TGI server of one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from opsvi_cli.sdk import (
    ModelInfo,
    ModelRequest,
    Server,
    Services,
    StreamEvent,
    UsageError,
    chat_events,
    chat_messages,
    chat_tools,
)

from .client import Endpoint, endpoint, open_client, open_http

_ABLE = frozenset({"stream", "tools", "schema", "images", "usage", "reasoning"})


class HuggingFace:
    """Settings `providers.huggingface`: base_url (of a TGI server), dialect (router, server), api_key (a reference),
    timeout (seconds), model."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def check(self) -> None:
        """Raises UsageError, CredentialsError for a setting that is wrong, and a key that is missing."""
        endpoint(self._services)

    def capabilities(self, model: str) -> frozenset[str]:
        return _ABLE

    def models(self) -> list[ModelInfo]:
        """What the router lists, or the one model of a TGI server."""
        at = endpoint(self._services)
        server = at.where.server("")
        url = f"{at.where.base_url.removesuffix('/v1')}/v1/models"
        headers = {"authorization": f"Bearer {at.where.key}"} if at.where.key else {}
        with open_http(self._services, at, server) as http:
            listed = http.get(url, headers=headers).json()
            return sorted(self._listed(listed, server), key=lambda model: model.id)

    def _listed(self, body: Any, server: Server) -> Iterator[ModelInfo]:
        entries = body.get("data", [body]) if isinstance(body, dict) else body
        if not isinstance(entries, list):
            raise server.bad_response("the list of models has another shape")
        for entry in entries:
            if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
                raise server.bad_response("the list of models has another shape")
            yield ModelInfo(entry["id"], self._services.name, _ABLE, _window(entry))

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """Events of one answer. Closing the iterator closes the connection."""
        at = endpoint(self._services)
        if not request.model:
            name = self._services.name
            raise UsageError(f"{name}: no model is named", hint=f"-m {name}/MODEL; `opsvi models {name}` lists them")
        server = at.where.server(request.model)
        asked = _asked(request, at, server)
        target = {"base_url": at.where.base_url} if at.own else {"provider": "auto"}
        with open_client(self._services, at, server, **target) as (client, call):
            answer: Any = call(lambda: client.chat_completion(**asked))
            yield from chat_events(map(_plain, answer if request.stream else [answer]), server)


def _plain(value: Any) -> Any:
    """JSON out of the library's objects, with the fields that they do not know: reasoning is one."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in getattr(value, "__dict__", value).items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _window(entry: Mapping[str, Any]) -> int | None:
    """The longest that one of the router's providers offers."""
    offers = entry.get("providers")
    lengths = [
        offer["context_length"]
        for offer in (offers if isinstance(offers, list) else ())
        if isinstance(offer, dict) and isinstance(offer.get("context_length"), int) and offer["context_length"] > 0
    ]
    return max(lengths, default=None)


def _asked(request: ModelRequest, at: Endpoint, server: Server) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": request.model,
        "messages": chat_messages(request.messages, server),
        "stream": request.stream,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
    }
    if request.stream:
        asked["stream_options"] = {"include_usage": True}
    if request.schema is not None:
        schema = dict(request.schema)
        # TGI has names of its own for schemas and parameters.
        asked["response_format"] = (
            {"type": "json", "value": schema}
            if at.own
            else {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
        )
    if request.tools:
        asked["tools"] = tools = chat_tools(request.tools)
        if at.own:
            for tool in tools:
                tool["function"]["arguments"] = tool["function"].pop("parameters")
    if request.options:
        asked["extra_body"] = dict(request.options)
    return asked
