"""Plain text: the encoding is found out, line ends are made equal, form feeds divide pages."""

from __future__ import annotations

from collections.abc import Iterator

from opsvi_cli.sdk import Document, Page, Services, Source

from .decoding import decode_text, plain_lines


class Text:
    """Reads plain text as it is."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def read(self, source: Source) -> Iterator[Document]:
        """Yields one document. Raises DocumentError for binary data."""
        decoded = decode_text(source.data, source.name)
        text = plain_lines(decoded.text)
        yield Document(text, media_type="text/plain", metadata={"encoding": decoded.encoding}, pages=_pages(text))


def _pages(text: str) -> tuple[Page, ...]:
    """A form feed ends a page, as printers (and RFCs) have it; each is made a line end, of the same length."""
    if "\f" not in text.rstrip():
        return ()
    pages: list[Page] = []
    start = 0
    for number, body in enumerate(text.rstrip().split("\f"), 1):
        pages.append(Page(number, start, start + len(body) + 1))
        start += len(body) + 1
    pages[-1] = Page(len(pages), pages[-1].start, len(text))
    return tuple(pages)
