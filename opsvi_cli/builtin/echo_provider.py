"""Provider `echo`: repeats the last message of the user word by word. For tests and scripts; needs no network.

`echo/slow` waits between the words. A schema is not followed: the words come back and the caller's check decides.
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
    Usage,
    UsageError,
)

_WORD = re.compile(r"\s*\S+|\s+$")
_CAPABILITIES = frozenset({"stream", "schema", "images", "usage"})
_DELAYS = {"": 0.0, "echo": 0.0, "slow": 0.2}


class Echo:
    """Setting `providers.echo.delay`: seconds that `echo/slow` waits between words (0.2)."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def capabilities(self, model: str) -> frozenset[str]:
        return _CAPABILITIES

    def models(self) -> list[ModelInfo]:
        return [
            ModelInfo(id=name, provider=self._services.name, capabilities=_CAPABILITIES) for name in ("echo", "slow")
        ]

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """One TextDelta a word. Usage counts words; `max_tokens` words end the answer with reason `length`."""
        if request.model not in _DELAYS:
            raise ProviderError(
                f"echo has no model {request.model!r}", kind="not-found", hint="there are echo/echo and echo/slow"
            )
        if request.tools:
            raise ProviderError("echo calls no tools", kind="refused", hint="use another model")
        delay = self._delay() if request.model == "slow" else 0.0
        text = next((message.text for message in reversed(request.messages) if message.role == "user"), "")
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
