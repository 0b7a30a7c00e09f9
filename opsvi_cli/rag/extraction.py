"""From a source to its documents: the processor is chosen, run, and what it gives is made safe.

`read_source` does it in this process. `Extractor` does it in worker processes with limits, which is how hostile files
are read: a file that eats memory or time, or crashes a library, is one failed source.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from opsvi_cli.errors import DocumentError, OpsviError
from opsvi_cli.sdk import Document, Part, Source

from .scrub import scrub
from .sniff import OCTETS, sniff

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

MAX_DEPTH = 5
"""Containers in containers: a mail attached to a mail attached to a mail."""
MAX_MEMBERS = 10_000
MAX_WARNINGS = 100


def document_id(uri: str, document: Document) -> str:
    """The id that the source gives, else the first 16 hex digits of a hash that a re-run finds again."""
    if document.id:
        return document.id
    name = f"{uri}\0{document.part}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(name).hexdigest()[:16]


def identified(source: Source) -> Source:
    """The source with its media type found out."""
    return source if source.media_type else replace(source, media_type=sniff(source.data, source.name, source.declared))


def select_processor(app: AppContext, source: Source) -> Part:
    """Who reads this source: a plugin's choice, else by media type, else by suffix.

    `source.media_type` must be set, see `identified`. Raises DocumentError when nobody reads it.
    """
    registry = app.plugins.registry
    media_type = source.media_type
    chosen = app.plugins.select_processor(source, media_type)
    if chosen and (part := registry.find("processor", chosen)):
        return part
    parts = registry.parts("processor")
    suffix = PurePosixPath(source.name.lower()).suffix
    known = [part for part in parts if media_type in _strings(part, "media_types")]
    # Of several that read the type, the one that names the suffix as well knows better.
    known.sort(key=lambda part: suffix not in _strings(part, "suffixes"))
    if not known and suffix and (media_type == OCTETS or _is_text(media_type)):
        known = [part for part in parts if suffix in _strings(part, "suffixes")]
        if media_type == OCTETS:  # bytes that are no text cannot be of a format that is text
            known = [part for part in known if not any(map(_is_text, _strings(part, "media_types")))]
    if not known and media_type.startswith("text/"):
        known = [part for part in parts if "text/plain" in _strings(part, "media_types")]
    if known:
        return known[0]
    raise DocumentError(
        f"no processor for {source.name} ({media_type})", hint="`opsvi plugins list` shows what can be read"
    )


def _strings(part: Part, key: str) -> list[str]:
    value = part.data.get(key)
    return [str(item) for item in value] if isinstance(value, list) else []


_TEXTS = ("text/", "application/json", "application/jsonl", "application/x-ndjson", "application/xhtml", "message/")


def _is_text(media_type: str) -> bool:
    return media_type.startswith(_TEXTS)


@dataclass
class _Reading:
    """What the members of one source may use up together."""

    app: AppContext
    left_bytes: int
    left_members: int = MAX_MEMBERS
    warnings: list[str] = field(default_factory=list)

    def read(self, source: Source, depth: int = 0, prefix: str = "") -> list[Document]:
        source = identified(source)
        part = select_processor(self.app, source)
        options = {"max_expanded_bytes": self.app.settings.ingest.max_expanded_bytes}
        processor = self.app.part("processor", part.name, options)
        documents: list[Document] = []
        for item in processor.read(source):
            if isinstance(item, Source):
                documents += self._member(item, source, depth, prefix)
            elif isinstance(item, Document):
                documents.append(_placed(item, source, prefix))
        return documents

    def _member(self, member: Source, parent: Source, depth: int, prefix: str) -> list[Document]:
        """The documents of a member; one that cannot be read is a warning on the whole, never its end."""
        place = prefix + member.uri.removeprefix(f"{parent.uri}!")
        self.left_bytes -= len(member.data)
        self.left_members -= 1
        problem = ""
        if self.left_bytes < 0:
            problem = "more than ingest.max_expanded_bytes in all"
        elif self.left_members < 0:
            problem = f"more than {MAX_MEMBERS} members"
        elif depth >= MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} deep"
        elif not member.data:
            problem = "empty"
        if not problem:
            try:
                return self.read(member, depth + 1, f"{place}!")
            except OpsviError as error:
                problem = error.message
            except RecursionError:
                problem = "nested too deeply"
        self.warnings.append(f"{place} was left out: {problem}")
        return []


def _placed(document: Document, source: Source, prefix: str) -> Document:
    """A member's documents carry its place in the source as their part, and what its container says of it."""
    part = "!".join(piece for piece in (prefix.removesuffix("!"), document.part) if piece)
    return scrub(
        replace(
            document,
            part=part,
            id="" if prefix else document.id,
            title=document.title or ("" if document.part else source.name),
            media_type=document.media_type or source.media_type,
            metadata={**source.metadata, **document.metadata},
        )
    )


def read_source(app: AppContext, source: Source) -> list[Document]:
    """The documents of a source, in this process and without limits of time or memory; see `Extractor`.

    Raises DocumentError when it cannot be read or holds nothing, PluginError when its processor is broken.
    """
    if not source.data:
        raise DocumentError(f"{source.name} is empty")
    reading = _Reading(app, app.settings.ingest.max_expanded_bytes)
    source = identified(source)
    try:
        documents = reading.read(source)
    except RecursionError as error:
        raise DocumentError(f"{source.name} is nested too deeply") from error
    if not any(document.text.strip() for document in documents):
        reason = f": {reading.warnings[0]}" if reading.warnings else ""
        raise DocumentError(f"{source.name} holds no text{reason}")
    if reading.warnings:
        said = reading.warnings[:MAX_WARNINGS]
        if len(reading.warnings) > len(said):
            said.append(f"and {len(reading.warnings) - len(said)} more")
        documents[0] = scrub(replace(documents[0], warnings=(*documents[0].warnings, *said)))
    return app.plugins.documents(documents, source)
