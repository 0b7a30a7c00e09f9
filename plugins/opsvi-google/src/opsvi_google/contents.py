"""A request of opsvi as the contents and the configuration of the Gemini API."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import Attachment, Message, ModelRequest, ToolCall, ToolSpec, UsageError

if TYPE_CHECKING:
    from google.genai import types

MADE_ID = "made-"
"""What the ids begin with that this plugin gave to tool calls without one."""
_READS = ("image/", "audio/", "video/", "text/", "application/pdf")
_THINKS = re.compile(r"gemini-(2\.5|[3-9])(?!.*(image|tts|live|audio|embedding))")
# The API's own word for a tool call whose signature is not at hand, in the history of another model for example.
_NO_SIGNATURE = b"skip_thought_signature_validator"


def thinks(model: str) -> bool:
    """True for the models that are known to tell their thoughts."""
    return _THINKS.search(model) is not None


def make_config(name: str, request: ModelRequest, *, thoughts: bool) -> types.GenerateContentConfig:
    """Raises UsageError for an option that the API does not have."""
    from google.genai import types

    fields: dict[str, Any] = {
        "automatic_function_calling": {"disable": True},
        "automatic_continuation": False,
        "temperature": request.temperature,
        "max_output_tokens": request.max_tokens,
    }
    if system := system_text(request.messages):
        fields["system_instruction"] = system
    if request.schema is not None:
        fields["response_mime_type"] = "application/json"
        fields["response_json_schema"] = dict(request.schema)
    if request.tools:
        fields["tools"] = [types.Tool(function_declarations=[_declaration(tool) for tool in request.tools])]
    if thoughts:
        fields["thinking_config"] = {"include_thoughts": True}
    try:
        return types.GenerateContentConfig.model_validate({**fields, **request.options})
    except ValueError as error:
        # Pydantic's message names the field on its second line.
        lines = [*str(error).splitlines(), "", ""]
        raise UsageError(
            f"{name}: the API has no such option: {lines[1]} {lines[2].strip()[:200]}",
            hint="options are those of GenerateContentConfig",
        ) from None


def _declaration(tool: ToolSpec) -> types.FunctionDeclaration:
    from google.genai import types

    return types.FunctionDeclaration(
        name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters)
    )


def system_text(messages: Sequence[Message]) -> str:
    return "\n\n".join(_encodable(message.text) for message in messages if message.role == "system" and message.text)


def make_contents(
    name: str, model: str, messages: Sequence[Message], signatures: Mapping[str, bytes]
) -> list[types.Content]:
    """Turns of user and model. `signatures` are those of earlier tool calls by id, which the newer models want back.

    Raises UsageError for a file the API does not read, and when nothing is left to send.
    """
    from google.genai import types

    called = {call.id: call.name for message in messages for call in message.tool_calls}
    contents: list[types.Content] = []
    for message in messages:
        if message.role == "system":
            continue
        if message.role == "tool":
            role, parts = "user", [_result(message, called)]
        else:
            role = "model" if message.role == "assistant" else "user"
            parts = [types.Part(text=_encodable(message.text))] if message.text else []
            parts += [_file(name, attachment) for attachment in message.attachments]
            parts += _calls(model, message.tool_calls, signatures)
        if contents and contents[-1].role == role:
            contents[-1].parts = [*(contents[-1].parts or []), *parts]
        elif parts:
            contents.append(types.Content(role=role, parts=parts))
    if not contents:
        raise UsageError(f"{name}: there is no text to send", hint="give a prompt")
    return contents


def _file(name: str, attachment: Attachment) -> types.Part:
    from google.genai import types

    if not attachment.media_type.startswith(_READS):
        raise UsageError(
            f"{name} reads no {attachment.media_type} ({attachment.name})",
            hint="attach an image, a PDF, sound or a film, or the document's text: opsvi extract FILE",
        )
    return types.Part(inline_data=types.Blob(mime_type=attachment.media_type, data=attachment.data))


def _calls(model: str, calls: Sequence[ToolCall], signatures: Mapping[str, bytes]) -> list[types.Part]:
    from google.genai import types

    parts = []
    for position, call in enumerate(calls):
        signature = signatures.get(call.id)
        if signature is None and position == 0 and re.search(r"gemini-[3-9]", model):
            signature = _NO_SIGNATURE
        function = types.FunctionCall(id=_id(call.id), name=call.name, args=_arguments(call.arguments))
        parts.append(types.Part(function_call=function, thought_signature=signature))
    return parts


def _result(message: Message, called: Mapping[str, str]) -> types.Part:
    from google.genai import types

    name = called.get(message.tool_call_id, message.tool_call_id)
    return types.Part(
        function_response=types.FunctionResponse(
            id=_id(message.tool_call_id), name=name, response={"result": _encodable(message.text)}
        )
    )


def _id(call_id: str) -> str | None:
    """None for an id that the API never gave."""
    return None if call_id.startswith(MADE_ID) or not call_id else call_id


def _arguments(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = text
    return value if isinstance(value, dict) else {"arguments": value}


def _encodable(text: str) -> str:
    """Half of a surrogate pair cannot be sent as UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
