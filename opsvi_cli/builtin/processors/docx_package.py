"""The zip file of an Office document: checked before anything is unpacked, its XML parsed without entities."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from typing import TYPE_CHECKING

from opsvi_cli.sdk import DocumentError

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_ENTRIES = 10_000
MAX_RATIO = 200
RATIO_FROM = 5_000_000
"""Bytes from which the ratio counts: small files of blanks are packed tightly by right."""


def local(element: _Element) -> str:
    """A tag without its namespace; empty for comments and processing instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: _Element, name: str) -> str:
    """An attribute whatever its namespace (the two dialects have different ones); empty when missing."""
    for key, value in element.attrib.items():
        if key == name or (isinstance(key, str) and key.endswith("}" + name)):
            return str(value)
    return ""


class Package:
    """Parts by name. `warnings` collects what could not be read without losing the rest."""

    def __init__(self, data: bytes, name: str, max_expanded: int) -> None:
        self.name = name
        self.warnings: list[str] = []
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise self._damaged(str(error)) from error
        entries = self._zip.infolist()
        expanded = sum(entry.file_size for entry in entries)
        packed = sum(entry.compress_size for entry in entries)
        if len(entries) > MAX_ENTRIES:
            raise self._bomb(f"{len(entries)} entries, more than {MAX_ENTRIES}")
        if expanded > max_expanded:
            raise self._bomb(f"it unpacks to {expanded} bytes, more than ingest.max_expanded_bytes ({max_expanded})")
        if expanded > RATIO_FROM and expanded > MAX_RATIO * max(packed, 1):
            raise self._bomb(f"it unpacks to {expanded // max(packed, 1)} times its size")
        self._names = {entry.filename.lstrip("/"): entry for entry in entries}
        self._folded = {name.lower(): name for name in self._names}

    def _damaged(self, detail: str) -> DocumentError:
        return DocumentError(f"{self.name} is damaged: {detail}", hint="open and save it again in a word processor")

    def _bomb(self, detail: str) -> DocumentError:
        return DocumentError(f"{self.name} was not unpacked: {detail}", hint="open it only when you trust its sender")

    def find(self, part: str) -> str | None:
        """The name as it stands in the file (case may differ); None when there is no such part."""
        return self._folded.get(part.lstrip("/").lower())

    def matching(self, pattern: str) -> list[str]:
        return sorted(name for folded, name in self._folded.items() if re.fullmatch(pattern, folded))

    def read(self, part: str) -> bytes:
        """Raises DocumentError when the part is missing, encrypted or damaged."""
        name = self.find(part)
        if name is None:
            raise self._damaged(f"there is no {part} in it")
        try:
            return self._zip.read(self._names[name])
        except (
            zipfile.BadZipFile,
            zlib.error,
            RuntimeError,
            NotImplementedError,
            EOFError,
            OSError,
            ValueError,
        ) as error:
            raise self._damaged(f"{part}: {error}") from error

    def xml(self, part: str) -> _Element:
        """Raises DocumentError for XML that is not well-formed, declares entities or is nested too deeply."""
        from lxml import etree

        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True
        )
        data = self.read(part)
        try:
            root = etree.fromstring(data, parser)
        except etree.XMLSyntaxError as error:
            if "huge" in str(error).lower() or "lookup" in str(error).lower():  # libxml2's own limits
                raise DocumentError(f"{self.name}: {part}: {error.msg}", hint="it is too large to be read") from error
            raise self._damaged(f"{part}: {error.msg}") from error
        if root is None:
            raise self._damaged(f"{part} is empty")
        if root.getroottree().docinfo.internalDTD is not None:
            raise DocumentError(
                f"{self.name}: {part} declares entities, which Office documents never do",
                hint="open it only when you trust its sender",
            )
        return root

    def relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Relationship id -> (kind, target) of a part."""
        folder, _, file = part.rpartition("/")
        name = self.find(f"{folder}/_rels/{file}.rels")
        if name is None:
            return {}
        return {
            item.get("Id", ""): (item.get("Type", "").rpartition("/")[2], item.get("Target", ""))
            for item in self.xml(name)
            if isinstance(item.tag, str)
        }

    def main_part(self) -> str:
        """The part that the package names as its document."""
        for kind, target in self.relations("").values():
            if kind == "officeDocument" and self.find(target):
                return self.find(target) or target
        if self.find("word/document.xml"):
            return "word/document.xml"
        if self.find("EncryptedPackage"):
            raise DocumentError(f"{self.name} is encrypted", hint="save it without a password")
        raise self._damaged("there is no Word document in it")
