"""Word documents: the text of every part that a reader sees, in order, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import JSON, Document, DocumentError, Services, Source

from .docx_body import Block, Body
from .docx_package import Package, attribute, local
from .docx_styles import Numbering, Styles
from .headings import Heading, plain_title, sections

if TYPE_CHECKING:
    from lxml.etree import _Element

_CORE = {
    "title": "title",
    "creator": "author",
    "subject": "subject",
    "keywords": "keywords",
    "description": "description",
    "category": "category",
    "lastModifiedBy": "modified_by",
    "created": "created",
    "modified": "modified",
    "language": "language",
}


class Docx:
    """Reads .docx in both of its dialects (ECMA-376 transitional and strict), from the XML itself.

    Deleted and moved-away text is left out; inserted text, content controls, text boxes, equations, headers, footers,
    notes and comments are taken.
    """

    def __init__(self, services: Services) -> None:
        limit = services.options.get("max_expanded_bytes")
        self._max_expanded = int(limit) if isinstance(limit, (int, float)) else 300_000_000

    def read(self, source: Source) -> Iterator[Document]:
        """Yields one document. Raises DocumentError: damaged, encrypted, a zip bomb, no text."""
        package = Package(source.data, source.name, self._max_expanded)
        main = package.main_part()
        body = Body(package, main, Styles(package), Numbering(package))
        blocks = list(body.blocks(package.xml(main)))
        text, found = _join(blocks)
        end = len(text)
        rest = "\n\n".join(
            part for part in (_margins(package, body), _notes(package, body), _comments(package, body)) if part
        )
        text = f"{text}\n\n{rest}" if text and rest else text or rest
        if not text.strip():
            raise DocumentError(f"{source.name} holds no text", hint="pictures in it are not read")
        metadata = _properties(package)
        title = str(metadata.get("title") or "") or next((heading.title for heading in found), "")
        yield Document(
            text,
            title=title,
            media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            metadata=metadata,
            sections=sections(found, end),
            warnings=tuple(package.warnings),
        )


def _join(blocks: list[Block]) -> tuple[str, list[Heading]]:
    """The blocks as text, and where the headings stand in it. Items of one list follow each other closely."""
    pieces: list[str] = []
    found: list[Heading] = []
    position = 0
    before: Block | None = None
    for block in blocks:
        if before is not None:
            gap = "\n" if before.kind == block.kind == "item" else "\n\n"
            pieces.append(gap)
            position += len(gap)
        if block.kind == "heading":
            found.append(Heading(block.level, plain_title(block.text.lstrip("# ")), position))
        pieces.append(block.text)
        position += len(block.text)
        before = block
    return "".join(pieces), found


def _margins(package: Package, body: Body) -> str:
    """Headers and footers of all sections, each text once."""
    seen: dict[str, None] = {}
    for kind in ("header", "footer"):
        for name in package.matching(rf"word/{kind}\d*\.xml"):
            text, _ = _join(list(Body(package, name, body.styles, body.numbering).blocks(package.xml(name))))
            if text.strip():
                seen.setdefault(text.strip())
    return "\n\n".join(seen)


def _notes(package: Package, body: Body) -> str:
    lines = []
    for name, mark in (("footnotes", ""), ("endnotes", "e")):
        part = package.find(f"word/{name}.xml")
        if part is None:
            continue
        inner = Body(package, part, body.styles, body.numbering)
        for note in package.xml(part):
            if local(note) in ("footnote", "endnote") and attribute(note, "type") in ("", "normal"):
                text = _one_line(inner, note)
                if text:
                    lines.append(f"[^{mark}{attribute(note, 'id')}]: {text}")
    return "\n".join(lines)


def _comments(package: Package, body: Body) -> str:
    part = package.find("word/comments.xml")
    if part is None:
        return ""
    inner = Body(package, part, body.styles, body.numbering)
    lines = []
    for comment in package.xml(part):
        text = _one_line(inner, comment) if local(comment) == "comment" else ""
        if text:
            who = attribute(comment, "author")
            lines.append(f"> Comment ({who}): {text}" if who else f"> Comment: {text}")
    return "\n".join(lines)


def _one_line(body: Body, element: _Element) -> str:
    return " ".join(" ".join(block.text for block in body.blocks(element)).split())


def _properties(package: Package) -> dict[str, JSON]:
    part = package.find("docProps/core.xml")
    if part is None:
        return {}
    found: dict[str, JSON] = {}
    try:
        root: Any = package.xml(part)
    except DocumentError as error:
        package.warnings.append(error.message)
        return {}
    for element in root:
        name = _CORE.get(local(element), "")
        if name and element.text and element.text.strip():
            found[name] = " ".join(element.text.split())[:1000]
    return found
