"""Rows of the database to the SDK's records and back, and the checksum that ties them together."""

from __future__ import annotations

import hashlib
import json
import math
import re
import sqlite3
import zlib
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from opsvi_cli.sdk import JSON, Chunk, CollectionInfo, DocumentRecord, StoreError

DOCUMENT_COLUMNS = (
    "id, source, part, title, media_type, content_hash, fingerprint, characters, chunks, ingested, metadata"
)
CHUNK_COLUMNS = 'c.id, c.text, c.start, c."end", c.position, c.page, c.section'
_SURROGATES = re.compile("[\ud800-\udfff]")
_NUL_TOO = re.compile("[\x00\ud800-\udfff]")
_DEEPEST = 50


def storable(text: str) -> str:
    """The text with lone surrogates replaced, one for one, so that offsets stay: SQLite holds UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text)
    return text


def storable_metadata(value: Any, depth: int = 0) -> JSON:
    """Metadata that reads back as it was written: no NUL, no lone surrogate, no NaN, not deeper than SQLite reads."""
    match value:
        case str():
            return _NUL_TOO.sub("\ufffd", value)
        case float() if not math.isfinite(value):
            return None
        case None | bool() | int() | float():
            return value
        case _ if depth >= _DEEPEST:
            return None
        case dict():
            return {_NUL_TOO.sub("\ufffd", str(key)): storable_metadata(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [storable_metadata(item, depth + 1) for item in value]
        case _:
            return str(value)


def storable_record(record: DocumentRecord) -> DocumentRecord:
    """As it will read back from the store."""
    return replace(
        record,
        id=_NUL_TOO.sub("\ufffd", record.id),
        source=_NUL_TOO.sub("\ufffd", record.source),
        part=_NUL_TOO.sub("\ufffd", record.part),
        title=_NUL_TOO.sub("\ufffd", record.title),
        media_type=_NUL_TOO.sub("\ufffd", record.media_type),
        metadata={_NUL_TOO.sub("\ufffd", str(k)): storable_metadata(v) for k, v in record.metadata.items()},
    )


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def document_row(record: DocumentRecord) -> tuple[Any, ...]:
    """In the order of DOCUMENT_COLUMNS."""
    return (
        record.id, record.source, record.part, record.title, record.media_type, record.content_hash,
        record.fingerprint, record.characters, record.chunks, record.ingested, as_json(dict(record.metadata)),
    )  # fmt: skip


def read_document(row: tuple[Any, ...]) -> DocumentRecord:
    """From a row of DOCUMENT_COLUMNS."""
    (id_, source, part, title, media_type, content_hash, fingerprint, characters, chunks, ingested, metadata) = row
    return DocumentRecord(
        id_, source, part, title, media_type, content_hash, fingerprint, characters, chunks, ingested,
        json.loads(metadata),
    )  # fmt: skip


def read_chunk(row: tuple[Any, ...], document_id: str) -> Chunk:
    """From a row of CHUNK_COLUMNS."""
    id_, text, start, end, position, page, section = row
    return Chunk(id_, document_id, text, start, end, position, page, tuple(json.loads(section)))


def pack(text: str) -> tuple[int, bytes]:
    """(1, zlib) where that is shorter, else (0, UTF-8)."""
    plain = text.encode()
    packed = zlib.compress(plain, 6)
    return (1, packed) if len(packed) < len(plain) else (0, plain)


def unpack(packed: int, body: bytes) -> str:
    """Raises StoreError when the bytes are not what `pack` made."""
    try:
        return (zlib.decompress(body) if packed else body).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise StoreError(
            f"the text of a document is damaged: {error}", hint="opsvi collections check; then ingest it again"
        ) from error


def checksum(row: tuple[Any, ...], text: str, chunks: Iterable[Chunk], vectors: Iterable[bytes]) -> bytes:
    """Of a document with all that belongs to it: its row, text, chunks in order and vectors."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(as_json(row).encode())
    digest.update(text.encode())
    for chunk in chunks:
        digest.update(
            as_json([chunk.id, chunk.text, chunk.start, chunk.end, chunk.position, chunk.page, chunk.section]).encode()
        )
    for vector in vectors:
        digest.update(vector)
    return digest.digest()


def write_manifest(connection: sqlite3.Connection, info: CollectionInfo) -> None:
    rows = [(key, as_json(value)) for key, value in asdict(info).items()]
    connection.executemany("INSERT OR REPLACE INTO manifest VALUES (?, ?)", rows)


def read_manifest(connection: sqlite3.Connection) -> CollectionInfo:
    """Raises sqlite3.DatabaseError when it is not one."""
    try:
        return CollectionInfo(**{k: json.loads(v) for k, v in connection.execute("SELECT key, value FROM manifest")})
    except (TypeError, ValueError) as error:
        raise sqlite3.DatabaseError(f"its manifest cannot be read ({error})") from error
