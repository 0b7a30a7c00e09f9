"""Provider `echo`: repeats the last message of the user word by word. For tests and scripts; needs no network.

`echo/slow` waits between the words. `echo/call` calls tools: each line `NAME {"argument": ...}` of the message is a
call, and the answer is what came back. A schema is not followed: the words come back and the caller's check decides.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from opsvi_cli.sdk import (
    DeadlineError,
    Finish,
    ModelInfo,
    ModelRequest,
    ProviderError,
    Services,
    StreamEvent,
    TextDelta,
    ToolCall,
    Usage,
    UsageError,
)

_WORD = re.compile(r"\s*\S+|\s+$")
_CAPABILITIES = frozenset({"stream", "schema", "images", "usage"})
_DELAYS = {"": 0.0, "echo": 0.0, "slow": 0.2, "call": 0.0}
_CALL = re.compile(r"^[ \t]*([A-Za-z0-9_-]{1,64})[ \t]+(\{.*\})[ \t]*$", re.MULTILINE)


class Echo:
    """Setting `providers.echo.delay`: seconds that `echo/slow` waits between words (0.2)."""

    remote = False

    def __init__(self, services: Services) -> None:
        self._services = services

    def capabilities(self, model: str) -> frozenset[str]:
        return _CAPABILITIES | {"tools"} if model == "call" else _CAPABILITIES

    def models(self) -> list[ModelInfo]:
        return [
            ModelInfo(id=name, provider=self._services.name, capabilities=self.capabilities(name))
            for name in ("echo", "slow", "call")
        ]

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """One TextDelta a word. Usage counts words; `max_tokens` words end the answer with reason `length`."""
        if request.model not in _DELAYS:
            raise ProviderError(
                f"echo has no model {request.model!r}",
                kind="not-found",
                hint="there are echo, slow and call",
            )
        if request.tools and request.model != "call":
            raise ProviderError("echo calls no tools", kind="refused", hint="use echo/call")
        delay = self._delay() if request.model == "slow" else 0.0
        text = next((message.text for message in reversed(request.messages) if message.role == "user"), "")
        if request.model == "call":
            calls, text = _calls(request, text)
            if calls:
                yield Finish("tool_calls", Usage(len(text.split()), len(calls)), calls)
                return
        for message in request.messages:
            text += "".join(f"\n[{a.name}: {a.media_type}, {len(a.data)} bytes]" for a in message.attachments)
        words = _WORD.findall(text)
        read = sum(len(message.text.split()) for message in request.messages)
        kept = words if request.max_tokens is None else words[: request.max_tokens]
        if not request.stream and kept:
            kept = ["".join(kept)]
        for position, word in enumerate(kept):
            if position and delay:
                self._wait(delay)
            yield TextDelta(word)
        cut = request.max_tokens is not None and len(words) > request.max_tokens
        written = min(len(words), request.max_tokens) if request.max_tokens is not None else len(words)
        yield Finish("length" if cut else "stop", Usage(read, written))

    def _delay(self) -> float:
        value = self._services.options.get("delay", _DELAYS["slow"])
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 3600:
            raise UsageError(f"providers.echo.delay {value!r} is not a number of seconds")
        return float(value)

    def _wait(self, seconds: float) -> None:
        left = self._services.remaining()
        time.sleep(seconds if left is None else min(seconds, left))
        if self._services.remaining() == 0:
            raise DeadlineError("gave up waiting for echo")


def _calls(request: ModelRequest, text: str) -> tuple[tuple[ToolCall, ...], str]:
    """(calls still to be made, text to answer with): the results of the calls once they are there."""
    results = [message.text for message in request.messages if message.role == "tool"]
    if results:
        return (), "\n".join(results)
    found = _CALL.findall(text) if request.tools else []
    return tuple(ToolCall(f"call_{n}", name, arguments) for n, (name, arguments) in enumerate(found)), text
