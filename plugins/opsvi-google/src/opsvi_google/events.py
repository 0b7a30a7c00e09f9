"""Answers of the Gemini API, whole or in chunks, as events of opsvi."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Literal

from opsvi_cli.sdk import Finish, ProviderError, ReasoningDelta, Server, StreamEvent, TextDelta, ToolCall, Usage

from .contents import MADE_ID

if TYPE_CHECKING:
    from google.genai import types

_Reason = Literal["stop", "length", "filter", "tool_calls"]
_STOPPED = ("STOP", "FINISH_REASON_UNSPECIFIED")
_LENGTH = ("MAX_TOKENS", "CONTINUATION")
_FILTERED = (
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_RECITATION",
    "MODEL_ARMOR",
    "ESCALATION",
    "LANGUAGE",
)
_FAILED = (
    "OTHER",
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "PUP_LIMITED_DISABLED",
)
"""The model gave up, perhaps in the middle of a sentence."""


def read_events(
    chunks: Iterable[types.GenerateContentResponse], server: Server, signatures: MutableMapping[str, bytes]
) -> Iterator[StreamEvent]:
    """Events of one answer, the last one Finish; an answer that just ends is an error.

    What the model wants back with its tool calls is put into `signatures`, by the id of the call.
    """
    usage = Usage()
    calls: list[ToolCall] = []
    reason = ""
    came = blocked = told = False
    for chunk in chunks:
        came = True
        if chunk.usage_metadata is not None:
            usage = _usage(chunk.usage_metadata)
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason is not None:
            blocked = True
        candidate = next((c for c in chunk.candidates or () if c.index in (0, None)), None)
        if candidate is None:
            continue
        for part in (candidate.content.parts if candidate.content else None) or ():
            if part.function_call is not None:
                calls.append(_call(part, server, signatures))
            elif part.text:
                told = told or not part.thought
                yield ReasoningDelta(part.text) if part.thought else TextDelta(part.text)
        if candidate.finish_reason is not None:
            reason = candidate.finish_reason.value
    if blocked and not reason:
        yield Finish("filter", usage)
        return
    yield Finish(_reason(reason, server, came=came, told=told, called=bool(calls)), usage, tuple(calls))


def _reason(reason: str, server: Server, *, came: bool, told: bool, called: bool) -> _Reason:
    if not came:
        raise server.bad_response("the answer is empty")
    if not reason:
        if not told and not called:
            raise server.bad_response("the answer holds no text and does not say how it ended")
        raise server.cut_off()
    if reason in _LENGTH:
        return "length"
    if reason in _FILTERED:
        return "filter"
    if reason in _FAILED or (reason not in _STOPPED and not told and not called):
        raise ProviderError(
            f"{server.label}: the model gave up ({server.clean(reason)})", kind="server", hint="try again"
        )
    return "tool_calls" if called else "stop"


def _call(part: types.Part, server: Server, signatures: MutableMapping[str, bytes]) -> ToolCall:
    function = part.function_call
    if function is None or not function.name:
        raise server.bad_response("a tool call names no function")
    call_id = function.id or f"{MADE_ID}{uuid.uuid4().hex[:12]}"
    if part.thought_signature is not None:
        signatures[call_id] = part.thought_signature
    return ToolCall(call_id, function.name, json.dumps(function.args or {}, ensure_ascii=False))


def _usage(counted: types.GenerateContentResponseUsageMetadata) -> Usage:
    """Thoughts are counted apart from the answer, and both are output."""
    said, thought = counted.candidates_token_count, counted.thoughts_token_count
    output = None if said is None and thought is None else (said or 0) + (thought or 0)
    read, by_tools = counted.prompt_token_count, counted.tool_use_prompt_token_count
    return Usage(
        None if read is None else read + (by_tools or 0),
        output if output is not None or read is None else 0,
        counted.cached_content_token_count,
        thought,
    )
