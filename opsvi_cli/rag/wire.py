"""How the parent and its workers talk: frames of JSON and raw bytes over pipes. Never pickle.

A frame is two big-endian lengths (4 bytes for the head, 8 for the body), a JSON object, and the body.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, BinaryIO

from opsvi_cli.errors import DocumentError, OpsviError, PluginError
from opsvi_cli.sdk import Document, Page, Section, Source

_LENGTHS = struct.Struct(">IQ")
MAX_HEAD = 64_000_000


def write_frame(stream: BinaryIO, head: Mapping[str, Any], body: bytes = b"") -> None:
    raw = json.dumps(head).encode("ascii")
    stream.write(_LENGTHS.pack(len(raw), len(body)))
    stream.write(raw)
    stream.write(body)
    stream.flush()


def read_frame(stream: BinaryIO, limit: int) -> tuple[dict[str, Any], bytes] | None:
    """The next frame; None at the end of the stream. Raises ValueError for one over `limit` bytes or cut short."""
    lengths = _exactly(stream, _LENGTHS.size)
    if lengths is None:
        return None
    head_size, body_size = _LENGTHS.unpack(lengths)
    if head_size > MAX_HEAD or body_size > limit:
        raise ValueError(f"a frame of {body_size} bytes is over the limit of {limit}")
    head, body = _exactly(stream, head_size), _exactly(stream, body_size)
    if head is None or body is None:
        raise ValueError("a frame is cut short")
    loaded = json.loads(head)
    if not isinstance(loaded, dict):
        raise ValueError("a frame's head is no object")
    return loaded, body


def _exactly(stream: BinaryIO, size: int) -> bytes | None:
    pieces: list[bytes] = []
    while size:
        piece = stream.read(min(size, 1 << 20))
        if not piece:
            return None
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def source_head(source: Source) -> dict[str, Any]:
    """All of a source but its bytes."""
    return {
        "uri": source.uri,
        "name": source.name,
        "media_type": source.media_type,
        "declared": source.declared,
        "password": source.password,
        "metadata": dict(source.metadata),
    }


def source_from(head: Mapping[str, Any], data: bytes) -> Source:
    return Source(
        str(head["uri"]),
        str(head["name"]),
        data,
        media_type=str(head["media_type"]),
        declared=str(head["declared"]),
        password=head["password"],
        metadata=dict(head["metadata"]),
    )


def documents_body(documents: Sequence[Document]) -> bytes:
    return json.dumps([asdict(document) for document in documents], default=str).encode("ascii")


def documents_from(body: bytes) -> list[Document]:
    """Raises ValueError, KeyError, TypeError for what is no list of documents."""
    return [_document(item) for item in json.loads(body)]


def _document(item: Mapping[str, Any]) -> Document:
    return Document(
        str(item["text"]),
        title=str(item["title"]),
        media_type=str(item["media_type"]),
        metadata=dict(item["metadata"]),
        pages=tuple(Page(int(page["number"]), int(page["start"]), int(page["end"])) for page in item["pages"]),
        sections=tuple(
            Section(tuple(map(str, one["path"])), int(one["level"]), int(one["start"]), int(one["end"]))
            for one in item["sections"]
        ),
        part=str(item["part"]),
        id=str(item["id"]),
        warnings=tuple(map(str, item["warnings"])),
    )


def error_head(error: OpsviError) -> dict[str, Any]:
    return {"error": {"plugin": isinstance(error, PluginError), "message": error.message, "hint": error.hint}}


def error_from(head: Mapping[str, Any]) -> OpsviError:
    """The error as the worker raised it: of a plugin, or of the document."""
    kind = PluginError if head.get("plugin") else DocumentError
    return kind(str(head["message"]), hint=str(head["hint"]))
