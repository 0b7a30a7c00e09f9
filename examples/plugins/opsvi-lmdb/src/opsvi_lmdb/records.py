"""What stands under which key: JSON for records, texts and chunks, float32 for vectors.

    c NAME            {"number": ..., "info": ...}         a collection
    d NUMBER DOCUMENT {"record": ..., "text": ..., "chunks": [...]}
    v NUMBER DOCUMENT little-endian float32, a row a chunk
    k NUMBER CHUNK    the key of its document

Names are hashed: LMDB's keys have at most 511 bytes, and ids are as long as their authors like.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from opsvi_cli.sdk import Chunk, CollectionInfo, DocumentRecord, DocumentWrite, StoreError, Vectors


def key(kind: bytes, number: int | None, name: str) -> bytes:
    """The key of one thing; `number` is that of its collection."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
    return prefix(kind, number) + digest


def prefix(kind: bytes, number: int | None) -> bytes:
    """What all keys of a kind in a collection begin with."""
    return kind if number is None else kind + number.to_bytes(8, "big")


def dump(value: Any) -> bytes:
    """JSON in ASCII, which keeps even what is no valid text."""
    return json.dumps(value, default=_plain).encode("ascii")


def _plain(value: Any) -> Any:
    if isinstance(value, (Chunk, CollectionInfo, DocumentRecord)):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return dict(value)


def read_document(value: bytes) -> tuple[DocumentRecord, str, list[Chunk]]:
    """(record, text, chunks) of a document's entry."""
    found = json.loads(value)
    chunks = [Chunk(**{**one, "section": tuple(one["section"])}) for one in found["chunks"]]
    return DocumentRecord(**found["record"]), str(found["text"]), chunks


def read_vectors(value: bytes, rows: int, dimension: int) -> Vectors:
    """float32, shape (rows, dimension). Raises StoreError for an entry of another size."""
    if len(value) != rows * dimension * 4:
        raise StoreError("a stored vector is damaged", hint="opsvi collections check")
    return np.frombuffer(value, dtype="<f4").reshape(rows, dimension).astype(np.float32)


def check_batch(batch: Sequence[DocumentWrite], dimension: int) -> None:
    """Refuse what does not fit, before anything is written. Raises StoreError that names the document."""
    for item in batch:
        name = item.record.id
        if np.shape(item.vectors) != (len(item.chunks), dimension):
            raise StoreError(
                f"document {name!r}: vectors of shape {np.shape(item.vectors)}, not {(len(item.chunks), dimension)}",
                hint="use the collection's own embedder",
            )
        if not np.isfinite(item.vectors).all():
            raise StoreError(f"document {name!r}: a vector is not finite", hint="use another embedder")
        for chunk in item.chunks:
            if chunk.document_id != name or item.text[chunk.start : chunk.end] != chunk.text:
                raise StoreError(
                    f"document {name!r}: chunk {chunk.id!r} is not the text at its offsets",
                    hint="a plugin changed it: opsvi plugins list",
                )
