"""A request of opsvi as the arguments of Cohere's chat."""

from __future__ import annotations

import base64
from typing import Any

from opsvi_cli.sdk import Attachment, Message, ModelRequest, Services, UsageError


def arguments(request: ModelRequest, services: Services) -> dict[str, Any]:
    """For `chat` and `chat_stream` of the SDK. Raises UsageError for what the API cannot take."""
    name = services.name
    if not request.model:
        raise UsageError(f"{name}: no model is named", hint=f"-m {name}/MODEL; `opsvi models` lists what there is")
    if request.tools and request.schema is not None:
        raise UsageError(
            f"{name}: tools and a schema exclude each other", hint="ask without --schema, or without --tool"
        )
    messages = [one for message in request.messages if (one := _message(message, name))]
    if not messages:
        raise UsageError(f"{name}: there is nothing to send", hint='opsvi prompt "some text"')
    made: dict[str, Any] = {"model": request.model, "messages": messages}
    if request.temperature is not None:
        made["temperature"] = request.temperature
    if request.max_tokens is not None:
        made["max_tokens"] = request.max_tokens
    if request.schema is not None:
        made["response_format"] = {"type": "json_object", "json_schema": dict(request.schema)}
    if request.tools:
        made["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": {"type": "object", **tool.parameters},
                },
            }
            for tool in request.tools
        ]
    if thinking := _thinking(services):
        made["thinking"] = thinking
    if request.options:
        made["request_options"] = {"additional_body_parameters": dict(request.options)}
    body: dict[str, Any] = encodable(made)
    return body


def _thinking(services: Services) -> dict[str, Any] | None:
    value = services.options.get("thinking")
    if value is None or value == "":
        return None
    if value in (False, 0, "0", "off"):
        return {"type": "disabled"}
    if value in ("on", "adaptive") or value is True:
        return {"type": "enabled"}
    # A value from the environment is text.
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if not isinstance(number, int) or number < 1:
        setting = f"providers.{services.name}.thinking"
        raise UsageError(
            f'{setting}: {value!r} is not a number of tokens, "on" or "off"', hint=f"opsvi config set {setting} 2048"
        )
    return {"type": "enabled", "token_budget": number}


def _message(message: Message, name: str) -> dict[str, Any]:
    """Nothing for a message that says nothing, which the API refuses."""
    text = message.text
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": text}
    made: dict[str, Any] = {"role": message.role}
    if message.attachments:
        parts = [{"type": "text", "text": text}] if text.strip() else []
        made["content"] = [*parts, *(_image(attachment, name) for attachment in message.attachments)]
    elif text.strip():
        made["content"] = text
    if message.tool_calls:
        made["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return made if len(made) > 1 else {}


def _image(attachment: Attachment, name: str) -> dict[str, Any]:
    if not attachment.media_type.startswith("image/"):
        raise UsageError(
            f"{name} reads no {attachment.media_type} ({attachment.name})",
            hint="attach an image, or the document's text: opsvi extract FILE",
        )
    data = base64.b64encode(attachment.data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{attachment.media_type};base64,{data}"}}


def encodable(value: Any) -> Any:
    """Half of a surrogate pair, in whatever text of the body, cannot be sent as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [encodable(one) for one in value]
    return {encodable(key): encodable(one) for key, one in value.items()} if isinstance(value, dict) else value
