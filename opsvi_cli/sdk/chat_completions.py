"""The JSON of chat completions, which many servers speak beside their own: messages out, events in.

Plain functions over plain JSON, for providers whose client library hands the chunks over as they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from opsvi_cli.errors import UsageError

from .messages import Finish, Message, ReasoningDelta, StreamEvent, TextDelta, ToolCall, ToolSpec, Usage
from .servers import Server

ChatReason: TypeAlias = Literal["stop", "length", "filter", "tool_calls"]
_FINISH: Mapping[str, ChatReason] = {
    "length": "length",
    "model_length": "length",  # Mistral: the model's window is full
    "content_filter": "filter",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
_BROKEN = ("error", "abort", "insufficient_system_resource")
"""Reasons of Mistral, OpenRouter, vLLM and DeepSeek for an answer that did not get ready."""


def chat_messages(messages: Sequence[Message], server: Server) -> list[dict[str, Any]]:
    """The messages of a request. Raises UsageError for a file that is no image."""
    return [_message(message, server) for message in messages]


def chat_tools(tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """The functions of a request."""
    return [
        {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": {**t.parameters}}}
        for t in tools
    ]


def _message(message: Message, server: Server) -> dict[str, Any]:
    import base64

    text = message.text.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair cannot be sent
    body: dict[str, Any] = {"role": message.role, "content": text}
    if message.attachments:
        parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
        for file in message.attachments:
            if not file.media_type.startswith("image/"):
                raise UsageError(
                    f"{server.name} reads no {file.media_type} ({file.name})",
                    hint="attach an image, or the document's text: opsvi extract FILE",
                )
            data = base64.b64encode(file.data).decode("ascii")
            parts.append({"type": "image_url", "image_url": {"url": f"data:{file.media_type};base64,{data}"}})
        body["content"] = parts
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        body["tool_call_id"] = message.tool_call_id
    return body


def chat_events(chunks: Iterable[Any], server: Server) -> Iterator[StreamEvent]:
    """Events of one answer, the last one Finish. A whole answer is a stream of one chunk.

    Raises ProviderError for chunks that are none, an error of the server among them, and an answer that just ends.
    """
    usage = Usage()
    calls = CallPieces()
    reason: object = None
    came = False
    for chunk in chunks:
        if not isinstance(chunk, Mapping):
            raise server.bad_response("the answer is no answer of a model")
        if error := chunk.get("error"):
            code, text = server.said(chunk)
            raise server.broke_off(text or str(error), code)
        if isinstance(chunk.get("usage"), Mapping):
            usage = chat_usage(chunk["usage"])
        choice = _first(chunk.get("choices"), server)
        if choice is None:
            continue
        came = True
        said = choice.get("delta") if isinstance(choice.get("delta"), Mapping) else choice.get("message")
        if isinstance(said, Mapping):
            reasoning = said.get("reasoning_content") or said.get("reasoning")
            if isinstance(reasoning, str) and reasoning:
                yield ReasoningDelta(reasoning)
            if isinstance(content := said.get("content"), str) and content:
                yield TextDelta(content)
            calls.add(said.get("tool_calls"))
        reason = choice.get("finish_reason") or reason
    if not came:
        raise server.bad_response("the answer is empty")
    if not reason:
        raise server.cut_off()
    done = calls.done()
    yield Finish(chat_finish(reason, server, called=bool(done)), usage, done)


def chat_finish(reason: object, server: Server, *, called: bool = False) -> ChatReason:
    """Why an answer ended. Raises ProviderError when the server says that it gave up, or nothing."""
    if not isinstance(reason, str) or not reason:
        raise server.bad_response("the answer does not say how it ended")
    if reason in _BROKEN:
        raise server.broke_off(f"it ended the answer with {reason!r}")
    ended = _FINISH.get(reason, "stop")
    # Some servers end an answer that holds calls with "stop".
    return "tool_calls" if called and ended == "stop" else ended


def _first(choices: object, server: Server) -> Mapping[str, Any] | None:
    if choices is None or choices == []:
        return None  # the chunk with the usage
    if not isinstance(choices, list) or not all(isinstance(choice, Mapping) for choice in choices):
        raise server.bad_response("the answer holds no choice")
    return next((choice for choice in choices if choice.get("index", 0) in (0, None)), None)


def chat_usage(body: object) -> Usage:
    """Tokens as the server counted them."""
    if not isinstance(body, Mapping):
        return Usage()
    cached = _count(_inside(body, "prompt_tokens_details", "cached_tokens"))
    return Usage(
        _count(body.get("prompt_tokens")),
        _count(body.get("completion_tokens")),
        cached if cached is not None else _count(body.get("prompt_cache_hit_tokens")),  # DeepSeek's name
        _count(_inside(body, "completion_tokens_details", "reasoning_tokens")),
    )


def _inside(body: Mapping[str, Any], outer: str, inner: str) -> object:
    details = body.get(outer)
    return details.get(inner) if isinstance(details, Mapping) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


class CallPieces:
    """Tool calls that arrive in pieces, put together by their index.

    Some servers number parallel calls 0, 0, 0: another id is another call. Some give no ids: they are made up.
    """

    def __init__(self) -> None:
        self._calls: list[list[str]] = []
        self._at: dict[int, int] = {}

    def add(self, pieces: object) -> None:
        """The `tool_calls` of a message or of a piece of one; what has another shape is left out."""
        import json

        for piece in pieces if isinstance(pieces, list) else ():
            function = piece.get("function") if isinstance(piece, Mapping) else None
            if not isinstance(function, Mapping):
                continue
            identity = str(piece.get("id") or "")
            index = piece.get("index")
            if isinstance(index, int):
                number = index
            else:  # not numbered: what has neither id nor name goes on with the last one
                number = len(self._calls) - (not identity and not function.get("name") and bool(self._calls))
            place = self._at.get(number)
            if place is None or (identity and self._calls[place][0] not in ("", identity)):
                place = self._at[number] = len(self._calls)
                self._calls.append(["", "", ""])
            call = self._calls[place]
            call[0] = identity or call[0]
            call[1] += str(function.get("name") or "")
            arguments = function.get("arguments")
            # Text by rule; TGI gives the object itself.
            call[2] += arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""

    def done(self) -> tuple[ToolCall, ...]:
        return tuple(ToolCall(call[0] or f"call_{n}", call[1], call[2] or "{}") for n, call in enumerate(self._calls))
