"""Text from documents and models made safe for a terminal."""

from __future__ import annotations

import re

# C0 except tab and newline, DEL, C1, bidirectional controls, zero-width characters, lone surrogates.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# CSI, OSC (title, clipboard, links) and other escape sequences, whole, so that no letters of them stay behind.
_SEQUENCE = re.compile(
    r"\x9b[0-?]*[ -/]*[@-~]|\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])"
)

# An escape sequence that has begun and not ended yet, at the end of a piece of text.
_OPEN_SEQUENCE = re.compile(r"\x9b[0-?]*[ -/]*\Z|\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*(?:\x1b)?|[ -/]*)?\Z|\r\Z")
_LONGEST_SEQUENCE = 4096


def plain(text: str) -> str:
    """Take out escape sequences, control and direction-changing characters (ECMA-48, Unicode UAX #9)."""
    return _UNSAFE.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n")))


class SafePieces:
    """Pieces of a text made safe one after the other, also where a piece ends in the middle of a sequence."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """The next piece; the beginning of a sequence is held back until its end has come."""
        text = self._held + text
        begun = _OPEN_SEQUENCE.search(text)
        self._held = begun[0] if begun and len(begun[0]) < _LONGEST_SEQUENCE else ""
        return plain(text[: len(text) - len(self._held)])
