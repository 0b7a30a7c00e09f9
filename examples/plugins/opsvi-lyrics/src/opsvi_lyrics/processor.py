"""LRC: a line of text behind one or more times, `[01:23.45]`; lines `[ti:...]` say what the song is.

A line with several times is sung several times, and stands in the document as often, in the order of the song.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from opsvi_cli.sdk import JSON, Document, DocumentError, Services, Source

_TIME = re.compile(r"\[(\d{1,3}):(\d{1,2}(?:[.:]\d{1,3})?)\]")
_TAG = re.compile(r"\[([a-z#]{1,12}):(.*)\]\s*$", re.IGNORECASE)
_WORD_TIME = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>\s*")
_NAMES = {"ti": "title", "ar": "artist", "al": "album", "au": "author", "by": "transcriber"}
_PAUSE = 8.0
"""Seconds without a word that begin a new stanza."""


class Line(NamedTuple):
    """Seconds from the start of the song, and what is sung; no text marks a pause."""

    time: float
    text: str


class Lyrics:
    """One document a song: a paragraph a stanza, each line with its time."""

    def __init__(self, services: Services) -> None:
        self.times = bool(services.options.get("times", True))

    def read(self, source: Source) -> Iterator[Document]:
        """Raises DocumentError for a file without a line that has a time."""
        tags, lines = parse(_decode(source.data))
        if not any(line.text for line in lines):
            hint = "an LRC file has lines like [00:12.50] words"
            raise DocumentError(f"{source.name}: no line with a time in it", hint=hint)
        text = "".join(f"{stanza}\n\n" for stanza in self._stanzas(lines)).rstrip("\n") + "\n"
        metadata: dict[str, JSON] = {**tags, "seconds": round(lines[-1].time, 2)}
        yield Document(text, title=tags.get("title") or source.name, media_type="application/x-lrc", metadata=metadata)

    def _stanzas(self, lines: list[Line]) -> Iterator[str]:
        stanza: list[str] = []
        last = 0.0
        for line in lines:
            if stanza and (not line.text or line.time - last > _PAUSE):
                yield "\n".join(stanza)
                stanza = []
            if line.text:
                stanza.append(f"[{_clock(line.time)}] {line.text}" if self.times else line.text)
                last = line.time
        if stanza:
            yield "\n".join(stanza)


def parse(text: str) -> tuple[dict[str, str], list[Line]]:
    """(what the tags say, the lines in the order in which they are sung)."""
    tags: dict[str, str] = {}
    lines: list[Line] = []
    offset = 0.0
    for raw in text.splitlines():
        row = raw.strip()
        times = []
        while match := _TIME.match(row):
            times.append(int(match[1]) * 60 + float(match[2].replace(":", ".")))
            row = row[match.end() :].lstrip()
        if times:
            words = " ".join(_WORD_TIME.sub("", row).split())
            lines.extend(Line(time, words) for time in times)
        elif tag := _TAG.match(row):
            name, value = tag[1].lower(), tag[2].strip()
            if name == "offset" and re.fullmatch(r"[+-]?\d{1,6}", value):
                offset = int(value) / 1000  # milliseconds; a positive one means earlier
            elif name in _NAMES and value:
                tags[_NAMES[name]] = value
    shifted = [Line(max(0.0, line.time - offset), line.text) for line in lines]
    return tags, sorted(shifted, key=lambda line: line.time)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # what old players wrote


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"
