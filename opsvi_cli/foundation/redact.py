"""First version of the redactor."""

from __future__ import annotations


class Redactor:
    def __init__(self) -> None:
        self._values: set[str] = set()

    def learn(self, secret: str) -> None:
        """Remember a value that must never be written."""
        if secret:
            self._values.add(secret)

    def redact(self, text: str) -> str:
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, "[redacted]")
        return text
