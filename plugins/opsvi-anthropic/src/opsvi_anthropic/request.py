"""A request of opsvi as the body of the Messages API."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from opsvi_cli.sdk import JSON, Attachment, Message, ModelRequest, UsageError

from .settings import Settings

Block: TypeAlias = dict[str, Any]
Thoughts: TypeAlias = Mapping[str, Sequence[Block]]
"""The thinking that came before a tool call, by the call's id: the API wants it back with the result."""
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_TEXTS = ("application/json", "application/xml", "application/yaml", "application/x-yaml", "application/toml")
_NO_ID = re.compile(r"[^A-Za-z0-9_-]")


def body(request: ModelRequest, settings: Settings, thoughts: Thoughts) -> dict[str, Any]:
    """All that a message costs and is made of, without `stream`. Raises UsageError for what the API cannot take."""
    made = counted(request, settings, thoughts)
    most = settings.max_tokens if request.max_tokens is None else request.max_tokens
    if "thinking" in made and settings.thinks:
        if most <= settings.budget:
            raise UsageError(
                f"{settings.name}: {settings.budget} tokens of thinking leave no room in an answer of {most}",
                hint=f"a larger --max-tokens, or a smaller providers.{settings.name}.thinking",
            )
        if request.temperature not in (None, 1):
            raise UsageError(
                f"{settings.name}: thinking and a temperature exclude each other",
                hint=f"leave the temperature out, or `opsvi config set providers.{settings.name}.thinking off`",
            )
    made["max_tokens"] = most
    if request.temperature is not None:
        made["temperature"] = request.temperature
    return {**made, **request.options}


def counted(request: ModelRequest, settings: Settings, thoughts: Thoughts) -> dict[str, Any]:
    """The part of the body that input tokens are counted for."""
    if not request.model:
        raise UsageError(
            f"{settings.name}: no model is named", hint=f"-m {settings.name}/MODEL; `opsvi models` lists what there is"
        )
    made: dict[str, Any] = {"model": request.model, "messages": _messages(request, settings, thoughts)}
    system = "\n\n".join(m.text for m in request.messages if m.role == "system" and m.text.strip())
    if system:
        made["system"] = system
    if request.tools:
        made["tools"] = [
            {"name": tool.name, "description": tool.description, "input_schema": {"type": "object", **tool.parameters}}
            for tool in request.tools
        ]
    output: dict[str, Any] = {"effort": settings.effort} if settings.effort else {}
    if request.schema is not None:
        output["format"] = {"type": "json_schema", "schema": _closed(dict(request.schema))}
    if output:
        made["output_config"] = output
    if settings.thinking and not (settings.thinks and _forgotten(request.messages, thoughts)):
        made["thinking"] = dict(settings.thinking)
    encodable: dict[str, Any] = _encodable(made)
    return encodable


def _closed(schema: dict[str, JSON]) -> dict[str, Any]:
    """The schema in the subset that the API enforces: the SDK moves other constraints into descriptions.

    What the SDK cannot rewrite goes as it is, and the server judges it.
    """
    from anthropic import transform_schema

    try:
        return transform_schema(dict(schema))
    except (ValueError, TypeError, AttributeError, AssertionError):
        return schema


def _forgotten(messages: Sequence[Message], thoughts: Thoughts) -> bool:
    """True when tool calls of the current turn were made with thinking that is not known here (any more).

    A request that asks for thinking is then refused by the API; without it, it is answered.
    """
    for message in reversed(messages):
        if message.role == "user":
            return False
        if message.tool_calls and not any(call.id in thoughts for call in message.tool_calls):
            return True
    return False


def _messages(request: ModelRequest, settings: Settings, thoughts: Thoughts) -> list[dict[str, Any]]:
    """Turns of user and assistant, which the API wants in alternation: results of tools are the user's."""
    turns: list[dict[str, Any]] = []
    for message in request.messages:
        if message.role == "system":
            continue
        blocks = _blocks(message, settings, thoughts)
        role = "assistant" if message.role == "assistant" else "user"
        if not blocks:
            continue
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"].extend(blocks)
        else:
            turns.append({"role": role, "content": blocks})
    if not turns:
        raise UsageError(f"{settings.name}: there is nothing to send", hint='opsvi prompt "some text"')
    return turns


def _blocks(message: Message, settings: Settings, thoughts: Thoughts) -> list[Block]:
    if message.role == "tool":
        result: Block = {"type": "tool_result", "tool_use_id": _id(message.tool_call_id)}
        return [{**result, "content": message.text} if message.text.strip() else result]
    blocks = [_attached(attachment, settings) for attachment in message.attachments]
    if message.text.strip():  # the API refuses blank texts
        blocks.append({"type": "text", "text": message.text})
    known = next((thoughts[call.id] for call in message.tool_calls if call.id in thoughts), ())
    calls = [
        {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": _input(call.arguments)}
        for call in message.tool_calls
    ]
    return [*known, *blocks, *calls]


def _attached(attachment: Attachment, settings: Settings) -> Block:
    kind = attachment.media_type.partition(";")[0].strip().lower()
    if kind in _IMAGES or kind == "application/pdf":
        source = {
            "type": "base64",
            "media_type": kind,
            "data": base64.b64encode(attachment.data).decode("ascii"),
        }
        return {"type": "image" if kind in _IMAGES else "document", "source": source}
    if kind.startswith("text/") or kind in _TEXTS:
        text = attachment.data.decode("utf-8", "replace")
        if text.strip():
            document: Block = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}}
            return {**document, "title": attachment.name[:500]} if attachment.name else document
    what = attachment.media_type if attachment.data else "empty file"
    raise UsageError(
        f"{settings.name} reads no {what} ({attachment.name})",
        hint="attach a PNG, JPEG, GIF or WebP image, a PDF or a text; or the document's text: opsvi extract FILE",
    )


def _input(arguments: str) -> dict[str, Any]:
    """The API takes an object only; a call whose arguments are none was refused with a result that says so."""
    try:
        value = json.loads(arguments)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _id(call: str) -> str:
    """Ids of calls that another vendor's model made hold characters that this API refuses."""
    return _NO_ID.sub("_", call) or "_"


def _encodable(value: Any) -> Any:
    """Half of a surrogate pair, in whatever text of the body, cannot be sent as UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list):
        return [_encodable(one) for one in value]
    return {_encodable(key): _encodable(one) for key, one in value.items()} if isinstance(value, dict) else value
