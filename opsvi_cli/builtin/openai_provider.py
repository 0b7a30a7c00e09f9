"""Provider `openai`: chat models of OpenAI, and of every server that speaks its chat completions API."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from opsvi_cli.sdk import (
    JSON,
    Finish,
    Message,
    ModelInfo,
    ModelRequest,
    ProviderError,
    ReasoningDelta,
    Services,
    StreamEvent,
    TextDelta,
    ToolCall,
    Usage,
    UsageError,
)

from .openai_client import connection, errors_translated, open_client
from .openai_errors import Server, bad_response

_CAPABILITIES = frozenset({"stream", "tools", "schema", "images", "usage"})
_FINISH: Mapping[str, Literal["stop", "length", "filter", "tool_calls"]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}


class OpenAI:
    """Settings `providers.openai`: base_url, api_key (a reference), organization, timeout (seconds), model."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def capabilities(self, model: str) -> frozenset[str]:
        return _CAPABILITIES

    def models(self) -> list[ModelInfo]:
        """What the server lists, by name."""
        where = connection(self._services)
        server = where.server("")
        with open_client(self._services, where) as client, errors_translated(server):
            answer = client.models.with_raw_response.list()
            _check_type(answer, server, "json")
            body = answer.http_response.json()
            if not isinstance(body, dict) or not isinstance(body.get("data"), list):
                raise bad_response(server, "the list of models has another shape")
            return sorted(
                (
                    ModelInfo(id=str(entry["id"]), provider=self._services.name, context_window=_window(entry))
                    for entry in body["data"]
                    if isinstance(entry, dict) and isinstance(entry.get("id"), str)
                ),
                key=lambda model: model.id,
            )

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """Events of one answer. Closing the iterator closes the connection."""
        where = connection(self._services)
        server = where.server(request.model)
        body = _body(request, server)
        with open_client(self._services, where) as client, errors_translated(server):
            try:
                answer = client.chat.completions.with_raw_response.create(**body)
            except Exception as error:  # looked at, and raised again unless it is this one
                if not _refuses_usage(error, body):
                    raise
                del body["stream_options"]
                answer = client.chat.completions.with_raw_response.create(**body)
            content_type = answer.headers.get("content-type", "")
            if "event-stream" in content_type or (request.stream and not content_type):
                yield from _stream_events(answer.parse(), server, content_type)
            else:
                _check_type(answer, server, "json")
                answer.http_response.read()
                yield from _whole_answer(answer.http_response.json(), server, content_type)


def _refuses_usage(error: Exception, body: Mapping[str, Any]) -> bool:
    """True for the servers that know no `stream_options` and say so."""
    status = getattr(error, "status_code", None)
    return "stream_options" in body and status in (400, 422) and "stream_options" in str(error)


def _check_type(answer: Any, server: Server, wanted: str) -> None:
    content_type = answer.headers.get("content-type", "")
    if wanted not in content_type:
        answer.http_response.close()
        raise bad_response(server, "the answer is no answer of a model", content_type=content_type or "none")


def _window(entry: Mapping[str, Any]) -> int | None:
    """Servers name the context window differently, if at all (vLLM, OpenRouter, llama.cpp)."""
    meta = entry.get("meta")
    places: tuple[Mapping[str, Any], ...] = (entry, meta) if isinstance(meta, dict) else (entry,)
    for place in places:
        for name in ("max_model_len", "context_length", "context_window", "n_ctx", "n_ctx_train"):
            value = place.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return value
    return None


# --- the request


def _body(request: ModelRequest, server: Server) -> dict[str, Any]:
    if not request.model:
        raise UsageError(
            f"{server.name}: no model is named", hint=f"-m {server.name}/MODEL; `opsvi models` lists what there is"
        )
    body: dict[str, Any] = {
        "model": request.model,
        "messages": [_message(message, server) for message in request.messages],
        "stream": request.stream,
    }
    if request.stream:
        body["stream_options"] = {"include_usage": True}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        # Only OpenAI's own servers are sure to know the newer name.
        own = "://api.openai.com" in server.url
        body["max_completion_tokens" if own else "max_tokens"] = request.max_tokens
    if request.schema is not None:
        schema = dict(request.schema)
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": is_strict(schema)},
        }
    if request.tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {"name": t.name, "description": t.description, "parameters": dict(t.parameters)},
            }
            for t in request.tools
        ]
    if request.options:
        body["extra_body"] = dict(request.options)
    return body


def is_strict(schema: JSON) -> bool:
    """True when OpenAI's strict mode takes the schema: every object closed, all its properties required."""
    if isinstance(schema, list):
        return all(is_strict(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or isinstance(properties, dict):
        required = schema.get("required")
        names = set(properties) if isinstance(properties, dict) else set()
        if schema.get("additionalProperties") is not False or not isinstance(required, list):
            return False
        if names != {name for name in required if isinstance(name, str)}:
            return False
    return all(is_strict(value) for value in schema.values())


def _message(message: Message, server: Server) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": _encodable(message.text)}
    if message.attachments:
        parts: list[dict[str, Any]] = [{"type": "text", "text": body["content"]}] if message.text else []
        for attachment in message.attachments:
            if not attachment.media_type.startswith("image/"):
                raise UsageError(
                    f"{server.name} reads no {attachment.media_type} ({attachment.name})",
                    hint="attach an image, or the document's text: opsvi extract FILE",
                )
            data = base64.b64encode(attachment.data).decode("ascii")
            parts.append({"type": "image_url", "image_url": {"url": f"data:{attachment.media_type};base64,{data}"}})
        body["content"] = parts
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        body["tool_call_id"] = message.tool_call_id
    return body


def _encodable(text: str) -> str:
    """Half of a surrogate pair cannot be sent as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


# --- the answer


def _whole_answer(body: Any, server: Server, content_type: str) -> Iterator[StreamEvent]:
    """An answer in one piece, also of servers that do not stream."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        error = body.get("error") if isinstance(body, dict) else None
        said = f": {error.get('message')}" if isinstance(error, dict) else ""
        raise bad_response(server, f"the answer holds no choice{said}", content_type=content_type)
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise bad_response(server, "the answer holds no message", content_type=content_type)
    if isinstance(reasoning := message.get("reasoning_content"), str) and reasoning:
        yield ReasoningDelta(reasoning)
    if isinstance(text := message.get("content"), str) and text:
        yield TextDelta(text)
    elif isinstance(refusal := message.get("refusal"), str) and refusal:
        yield TextDelta(refusal)
        yield Finish("refusal", _usage(body.get("usage")))
        return
    calls = _Calls()
    for index, call in enumerate(message.get("tool_calls") or []):
        calls.add(index, call)
    reason = choices[0].get("finish_reason")
    yield Finish(_reason(reason, server, content_type), _usage(body.get("usage")), calls.done())


def _stream_events(stream: Any, server: Server, content_type: str) -> Iterator[StreamEvent]:
    """Chunks as the SDK reads them; a stream that just ends is an error."""
    reason: str | None = None
    usage = Usage()
    calls = _Calls()
    refused = False
    chunks = 0
    for chunk in stream:
        if getattr(chunk, "usage", None) is not None:
            usage = _usage(chunk.usage.model_dump())
        for choice in getattr(chunk, "choices", None) or []:
            if choice.index not in (0, None):
                continue
            chunks += 1
            delta = choice.delta
            reasoning = getattr(delta, "reasoning_content", None)
            if isinstance(reasoning, str) and reasoning:
                yield ReasoningDelta(reasoning)
            if isinstance(delta.content, str) and delta.content:
                yield TextDelta(delta.content)
            if isinstance(delta.refusal, str) and delta.refusal:
                refused = True
                yield TextDelta(delta.refusal)
            for call in delta.tool_calls or []:
                calls.add(call.index, call.model_dump())
            reason = choice.finish_reason or reason
    if reason is None:
        if not chunks:
            raise bad_response(server, "the stream is empty", content_type=content_type)
        raise ProviderError(
            f"{server.label}: the answer ends in the middle", kind="network", hint="try again; the text is incomplete"
        )
    yield Finish("refusal" if refused else _reason(reason, server, content_type), usage, calls.done())


def _reason(reason: object, server: Server, content_type: str) -> Literal["stop", "length", "filter", "tool_calls"]:
    if not isinstance(reason, str) or not reason:
        raise bad_response(server, "the answer does not say how it ended", content_type=content_type)
    return _FINISH.get(reason, "stop")


def _usage(body: object) -> Usage:
    if not isinstance(body, dict):
        return Usage()
    return Usage(_count(body.get("prompt_tokens")), _count(body.get("completion_tokens")))


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


class _Calls:
    """Tool calls that arrive in pieces, put together by their index."""

    def __init__(self) -> None:
        self._calls: dict[int, list[str]] = {}

    def add(self, index: object, call: object) -> None:
        if not isinstance(call, dict):
            return
        entry = self._calls.setdefault(index if isinstance(index, int) else len(self._calls), ["", "", ""])
        function = call.get("function")
        pieces: Sequence[object] = (
            call.get("id"),
            function.get("name") if isinstance(function, dict) else None,
            function.get("arguments") if isinstance(function, dict) else None,
        )
        for position, piece in enumerate(pieces):
            if isinstance(piece, str):
                entry[position] += piece

    def done(self) -> tuple[ToolCall, ...]:
        return tuple(ToolCall(*self._calls[index]) for index in sorted(self._calls))
