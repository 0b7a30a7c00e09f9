"""What flows from a source to a hit: Source -> Document -> Chunk -> Hit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"
Metadata: TypeAlias = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Source:
    """One input, read whole: a file, a fetched URL, standard input, or a member of another source.

    `uri` is the identity that a re-run finds again: an absolute path, a URL, `stdin:NAME`, or `PARENT!MEMBER`.
    """

    uri: str
    name: str
    """File name with its suffix, safe to show; never used as a path."""
    data: bytes
    media_type: str = ""
    """What sniffing found; empty before it ran."""
    declared: str = ""
    """What a server or mail header claimed; a hint only."""
    password: str | None = None
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a paginated document. `start`, `end`: character offsets into `Document.text`."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the text below it up to the next heading of the same or a higher level.

    `path` holds the headings from the outermost to this one.
    """

    path: tuple[str, ...]
    level: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one document as Markdown, and where its pages and sections are.

    A source may hold several (the lines of a JSONL file, the attachments of a mail): `part` tells them apart
    and stays the same from run to run; it is empty for a source that is one document.
    """

    text: str
    title: str = ""
    media_type: str = ""
    metadata: Metadata = field(default_factory=dict)
    pages: tuple[Page, ...] = ()
    sections: tuple[Section, ...] = ()
    part: str = ""
    id: str = ""
    """The id that the source itself gives (`_id` of a JSONL line); empty: made from the source's URI."""
    warnings: tuple[str, ...] = ()

    def page_at(self, offset: int) -> int | None:
        """The number of the page that holds the character at `offset`."""
        for page in self.pages:
            if page.start <= offset < page.end:
                return page.number
        return self.pages[-1].number if self.pages and offset >= self.pages[-1].end else None

    def section_at(self, offset: int) -> tuple[str, ...]:
        """The headings above the character at `offset`, outermost first."""
        best: Section | None = None
        for section in self.sections:
            if section.start <= offset < section.end and (best is None or section.level >= best.level):
                best = section
        return best.path if best else ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document: `text` is exactly `document.text[start:end]`."""

    id: str
    document_id: str
    text: str
    start: int
    end: int
    position: int
    """0 for the first chunk of its document."""
    page: int | None = None
    section: tuple[str, ...] = ()

    def indexed_text(self, title: str) -> str:
        """What is embedded and indexed: title and headings first, which are never shown as the text."""
        head = " > ".join(part for part in (title, *self.section) if part)
        return f"{head}\n{self.text}" if head else self.text


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that answers a query, with all that a citation needs. Higher `score` is better."""

    rank: int
    score: float
    text: str
    source: str
    document_id: str
    chunk_id: str
    title: str
    page: int | None
    section: str | None
    start: int
    end: int
    metadata: Metadata = field(default_factory=dict)
