"""An answer that grows is saved while it does: a kill loses half a second of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .answers import OnText

if TYPE_CHECKING:
    from opsvi_cli.llm.sessions import Sessions

_SAVE_EVERY = 0.5
"""Seconds between two writes."""


class Keeper:
    """Hands text on and saves it now and then; `message` is the id of the answer."""

    def __init__(self, sessions: Sessions, message: int, on_text: OnText) -> None:
        self.message = message
        self._sessions = sessions
        self._on_text = on_text
        self._parts: list[str] = []
        self._saved = time.monotonic()

    @property
    def text(self) -> str:
        """What came so far."""
        return "".join(self._parts)

    def __call__(self, text: str) -> None:
        first = not self._parts
        self._parts.append(text)
        if first or time.monotonic() - self._saved >= _SAVE_EVERY:
            self.save()
        self._on_text(text)

    def save(self) -> None:
        """Write what came so far."""
        self._sessions.save_answer(self.message, self.text)
        self._saved = time.monotonic()
