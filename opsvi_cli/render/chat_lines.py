"""Messages of several lines, typed line by line: a backslash at the end goes on, three quotes hold a block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

QUOTES = '"""'


def in_block(text: str) -> bool:
    """True when the text begins with three quotes that are not closed yet."""
    body = text.strip()
    return body.startswith(QUOTES) and (len(body) < 2 * len(QUOTES) or not body.endswith(QUOTES))


def ends_open(text: str) -> bool:
    """True when a backslash at the end says that another line follows."""
    return not text.lstrip().startswith(QUOTES) and text.endswith("\\") and not text.endswith("\\\\")


def without_quotes(text: str) -> str:
    """A block without the quotes that held it together; any other text as it is."""
    body = text.strip()
    if body.startswith(QUOTES) and len(body) >= 2 * len(QUOTES) and body.endswith(QUOTES):
        return body[len(QUOTES) : -len(QUOTES)].strip("\n")
    return text


def messages(read_line: Callable[[], str | None]) -> Iterator[str]:
    """Messages out of lines; what is incomplete at the end of the input is a message too."""
    while (line := read_line()) is not None:
        text = line.rstrip("\r\n")
        while (in_block(text) or ends_open(text)) and (line := read_line()) is not None:
            text = (text[:-1] if ends_open(text) else text) + "\n" + line.rstrip("\r\n")
        yield without_quotes(text)
