"""Answers of a chat completions server, whole or streamed, as events of opsvi."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from opsvi_cli.sdk import (
    CallPieces,
    Finish,
    ReasoningDelta,
    Server,
    StreamEvent,
    TextDelta,
    Usage,
    chat_finish,
    chat_usage,
)

from .openai_presets import Preset

_OPEN, _CLOSE = "<think>", "</think>"


def whole_answer(body: Any, server: Server, preset: Preset, content_type: str) -> Iterator[StreamEvent]:
    """An answer in one piece, also of servers that do not stream."""
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        if isinstance(body, dict) and body.get("error"):
            code, said = server.said(body)
            raise server.broke_off(said or str(body["error"]), code)
        raise server.bad_response("the answer holds no choice", content_type=content_type)
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise server.bad_response("the answer holds no message", content_type=content_type)
    words = _Words(preset)
    yield from words.said(message)
    yield from words.rest()
    if not message.get("content") and isinstance(refusal := message.get("refusal"), str) and refusal:
        yield TextDelta(refusal)
        yield Finish("refusal", chat_usage(body.get("usage")))
        return
    calls = CallPieces()
    calls.add(message.get("tool_calls"))
    done = calls.done()
    yield Finish(
        chat_finish(choices[0].get("finish_reason"), server, called=bool(done)), chat_usage(body.get("usage")), done
    )


def stream_events(stream: Any, server: Server, preset: Preset, content_type: str) -> Iterator[StreamEvent]:
    """Chunks as the SDK reads them; a stream that just ends is an error."""
    reason: str | None = None
    usage = Usage()
    calls = CallPieces()
    words = _Words(preset)
    refused = False
    chunks = 0
    for chunk in stream:
        if getattr(chunk, "usage", None) is not None:
            usage = chat_usage(chunk.usage.model_dump())
        for choice in getattr(chunk, "choices", None) or []:
            if choice.index not in (0, None):
                continue
            chunks += 1
            reason = choice.finish_reason or reason
            delta = choice.delta
            if delta is None:  # Azure's remarks of its content filter
                continue
            yield from words.said(delta.__dict__ if not delta.model_extra else {**delta.__dict__, **delta.model_extra})
            if isinstance(delta.refusal, str) and delta.refusal:
                refused = True
                yield TextDelta(delta.refusal)
            if delta.tool_calls:
                calls.add([call.model_dump() for call in delta.tool_calls])
    yield from words.rest()
    if reason is None:
        if not chunks:
            raise server.bad_response("the stream is empty", content_type=content_type)
        raise server.cut_off()
    done = calls.done()
    yield Finish("refusal" if refused else chat_finish(reason, server, called=bool(done)), usage, done)


class _Words:
    """Text and reasoning of messages or their pieces, kept apart."""

    def __init__(self, preset: Preset) -> None:
        self._reasoning = preset.reasoning
        self._tags = ThinkTags() if preset.think_tags else None

    def said(self, message: Mapping[str, Any]) -> Iterator[StreamEvent]:
        if self._reasoning:
            reasoning = message.get("reasoning_content") or message.get("reasoning")
            if isinstance(reasoning, str) and reasoning:
                yield ReasoningDelta(reasoning)
        content = message.get("content")
        if isinstance(content, str):
            yield from self._text(content)
        elif isinstance(content, list):  # Mistral's reasoning models
            for part in content:
                if isinstance(part, dict) and isinstance(part.get("text"), str):
                    yield from self._text(part["text"])
                elif isinstance(part, dict) and part.get("type") == "thinking":
                    inner = part.get("thinking") or ()
                    text = "".join(str(piece.get("text") or "") for piece in inner if isinstance(piece, dict))
                    if text:
                        yield ReasoningDelta(text)

    def rest(self) -> Iterator[StreamEvent]:
        return self._tags.rest() if self._tags is not None else iter(())

    def _text(self, text: str) -> Iterator[StreamEvent]:
        if self._tags is not None:
            yield from self._tags.feed(text)
        elif text:
            yield TextDelta(text)


class ThinkTags:
    """Takes `<think>...</think>` at the very beginning of an answer for reasoning, also when a tag comes in pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._state: Literal["start", "inside", "closed", "answer"] = "start"

    def feed(self, text: str) -> Iterator[StreamEvent]:
        self._held += text
        if self._state == "start":
            begin = self._held.lstrip()
            if begin.startswith(_OPEN):
                self._state, self._held = "inside", begin[len(_OPEN) :]
            elif not _OPEN.startswith(begin):
                self._state = "answer"
        if self._state == "inside":
            thought, tag, after = self._held.partition(_CLOSE)
            if tag:
                self._state, self._held = "closed", after
            else:
                kept = _overlap(thought)
                thought, self._held = thought[: len(thought) - kept], thought[len(thought) - kept :]
            if thought:
                yield ReasoningDelta(thought)
        if self._state == "closed" and (after := self._held.lstrip()):
            self._state, self._held = "answer", after
        if self._state == "answer" and self._held:
            held, self._held = self._held, ""
            yield TextDelta(held)

    def rest(self) -> Iterator[StreamEvent]:
        """What was held back at the end of the answer."""
        held, self._held = self._held, ""
        if held and self._state == "inside":
            yield ReasoningDelta(held)
        elif held and self._state != "closed":
            yield TextDelta(held)


def _overlap(text: str) -> int:
    """How many characters at the end may be the beginning of the closing tag."""
    return next((n for n in range(min(len(_CLOSE) - 1, len(text)), 0, -1) if text.endswith(_CLOSE[:n])), 0)
