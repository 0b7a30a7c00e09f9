"""All text of a page, whatever its tags: for pages that a tree parser cannot hold."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_SILENT = frozenset({"script", "style", "template", "noscript", "svg", "head", "title", "textarea", "select"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "mark", "q", "s", "small", "span"}
) | {"strong", "sub", "sup", "u", "var", "wbr", "tt", "big", "label", "time", "ins"}


class _Collector(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if not self._silent and tag in _SILENT:
            self._silent = tag
        elif tag not in _INLINE:
            self.pieces.append("\n")

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        if tag not in _INLINE:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._silent:
            self._silent = ""
        elif tag not in _INLINE:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def all_text(markup: str) -> str:
    """The visible text, a line a block. Linear in the size of the page, and without recursion."""
    collector = _Collector()
    collector.feed(markup)
    collector.close()
    text = re.sub(r"[^\S\n]+", " ", "".join(collector.pieces))
    return re.sub(r" ?\n[\n ]*", "\n", text).strip()
