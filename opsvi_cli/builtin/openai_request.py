"""A request of opsvi as the body of a chat completions call, in the dialect of the preset."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from opsvi_cli.sdk import JSON, Attachment, Message, ModelRequest, Server, ToolSpec, UsageError

from .openai_presets import Preset


def request_body(request: ModelRequest, server: Server, preset: Preset) -> dict[str, Any]:
    """Raises UsageError for what the preset says the server does not take: nothing is sent then."""
    if not request.model:
        raise UsageError(
            f"{server.name}: no model is named", hint=f"-m {server.name}/MODEL; `opsvi models` lists what there is"
        )
    _check(request, server, preset)
    messages: Sequence[Message] = request.messages
    body: dict[str, Any] = {"model": request.model, "stream": request.stream}
    if request.stream and preset.stream_options:
        body["stream_options"] = {"include_usage": True}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.max_tokens is not None:
        body[preset.max_tokens] = request.max_tokens
    if request.schema is not None:
        if (form := _response_format(dict(request.schema), preset)) is not None:
            body["response_format"] = form
        if preset.json_schema in ("json_object", "prompt"):
            messages = _with_schema(messages, request.schema)
    body["messages"] = [_message(message, server, preset) for message in messages]
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.options:
        body["extra_body"] = dict(request.options)
    return body


def _check(request: ModelRequest, server: Server, preset: Preset) -> None:
    if request.temperature is not None and request.temperature > preset.temperature_max:
        raise UsageError(
            f"{server.name} takes a temperature of at most {preset.temperature_max:g}, not {request.temperature:g}",
            hint=f"--temperature {preset.temperature_max:g}, or less",
        )
    if request.tools and not preset.tools:
        raise UsageError(f"{server.name} calls no tools", hint="use another model, or do without --tool")


def _response_format(schema: dict[str, JSON], preset: Preset) -> dict[str, Any] | None:
    match preset.json_schema:
        case "json_schema":
            form: dict[str, Any] = {"name": "answer", "schema": schema}
            if preset.strict:
                form["strict"] = is_strict(schema)
            return {"type": "json_schema", "json_schema": form}
        case "json_object":
            return {"type": "json_object"}
        case "grammar":
            return {"type": "json", "value": schema}
        case _:
            return None


def _with_schema(messages: Sequence[Message], schema: Mapping[str, JSON]) -> list[Message]:
    """The schema as an instruction, for servers that cannot be held to one; the answer is checked in any case."""
    text = (
        "Answer with one JSON value and nothing else: no explanation, no Markdown. It must satisfy this JSON Schema:\n"
        + json.dumps(schema, ensure_ascii=False)
    )
    if messages and messages[0].role == "system":
        return [replace(messages[0], text=f"{messages[0].text}\n\n{text}"), *messages[1:]]
    return [Message("system", text), *messages]


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


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return {"type": "function", "function": function}


def _message(message: Message, server: Server, preset: Preset) -> dict[str, Any]:
    body: dict[str, Any] = {"role": message.role, "content": _encodable(message.text)}
    if message.attachments:
        parts: list[dict[str, Any]] = [{"type": "text", "text": body["content"]}] if message.text else []
        body["content"] = [*parts, *(_part(attachment, server, preset) for attachment in message.attachments)]
    if message.tool_calls:
        body["tool_calls"] = [
            {
                "id": _encodable(call.id),
                "type": "function",
                "function": {"name": _encodable(call.name), "arguments": _encodable(call.arguments)},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        body["tool_call_id"] = _encodable(message.tool_call_id)
    return body


def _part(attachment: Attachment, server: Server, preset: Preset) -> dict[str, Any]:
    """An attachment in the place for its kind. Raises UsageError."""
    data = f"data:{attachment.media_type};base64,{base64.b64encode(attachment.data).decode('ascii')}"
    if attachment.media_type.startswith("image/") and preset.images:
        return {"type": "image_url", "image_url": {"url": data}}
    if attachment.media_type == "application/pdf" and preset.files:
        return {"type": "file", "file": {"filename": attachment.name, "file_data": data}}
    reads = [name for name, can in (("images", preset.images), ("PDF files", preset.files)) if can]
    raise UsageError(
        f"{server.name} reads no {attachment.media_type} ({attachment.name})",
        hint=(f"attach {' or '.join(reads)}, or " if reads else "give ") + "the document's text: opsvi extract FILE",
    )


def _encodable(text: str) -> str:
    """Half of a surrogate pair cannot be sent as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
