"""Text from documents and models made safe for a terminal."""

from __future__ import annotations

import re

# C0 except tab and newline, DEL, C1, bidirectional controls, zero-width characters, lone surrogates.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
# CSI, OSC (title, clipboard, links) and other escape sequences, whole, so that no letters of them stay behind.
_SEQUENCE = re.compile(
    r"\x9b[0-?]*[ -/]*[@-~]|\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])"
)


def plain(text: str) -> str:
    """Take out escape sequences, control and direction-changing characters (ECMA-48, Unicode UAX #9)."""
    return _UNSAFE.sub("", _SEQUENCE.sub("", text.replace("\r\n", "\n")))
