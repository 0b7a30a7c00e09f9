"""Changing a collection: one transaction a batch, with everything that belongs to it, stamped with a new state."""

# Only constants, placeholders and conditions made by `filters_sql` are put into SQL text; values are bound.
# ruff: noqa: S608

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from opsvi_cli.sdk import DocumentWrite

from .keywords import grams
from .records import as_json, checksum, document_row, pack, storable, storable_record

ACKNOWLEDGED = "acknowledged"
"""File with the counter of the last change that `write` reported as done: `check` sees a log that was lost."""
_STATES_KEPT = 1000


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, also when the process is interrupted."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):  # a full disk has already rolled it back
            connection.execute("ROLLBACK")
        raise


def remove_documents(connection: sqlite3.Connection, ids: Sequence[str]) -> int:
    """Within a transaction. Returns how many there were."""
    gone = 0
    for id_ in ids:
        row = connection.execute("SELECT number FROM documents WHERE id = ?", (id_,)).fetchone()
        if row is None:
            continue
        chunks = "(SELECT number FROM chunks WHERE document = ?)"
        connection.execute(f"DELETE FROM vectors WHERE number IN {chunks}", row)
        connection.execute("DELETE FROM chunks WHERE document = ?", row)
        connection.execute("DELETE FROM documents WHERE number = ?", row)
        gone += 1
    return gone


def put_document(connection: sqlite3.Connection, item: DocumentWrite) -> None:
    """Within a transaction: the document, its chunks and vectors, in the place of what was there."""
    record = storable_record(item.record)
    text = storable(item.text)
    remove_documents(connection, [record.id])
    vectors = [row.tobytes() for row in np.asarray(item.vectors, dtype="<f2")]
    row = document_row(record)
    chunks: list[Any] = []
    rows: list[tuple[Any, ...]] = []
    for chunk in item.chunks:
        section = tuple(storable(part) for part in chunk.section)
        body = text[chunk.start : chunk.end]
        heading = " > ".join(part for part in (record.title, *section) if part)
        stored = type(chunk)(chunk.id, record.id, body, chunk.start, chunk.end, chunk.position, chunk.page, section)
        chunks.append(stored)
        rows.append(
            (chunk.id, chunk.position, chunk.start, chunk.end, chunk.page, as_json(section), heading, body,
             grams(f"{heading}\n{body}"))
        )  # fmt: skip
    number = connection.execute(
        "INSERT INTO documents (id, source, part, title, media_type, content_hash, fingerprint, characters, chunks, "
        "ingested, metadata, packed, body, checksum) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (*row, *pack(text), checksum(row, text, chunks, vectors)),
    ).lastrowid
    for values, vector in zip(rows, vectors, strict=True):
        chunk_number = connection.execute(
            'INSERT INTO chunks (document, id, position, start, "end", page, section, heading, text, grams) '
            "VALUES (?,?,?,?,?,?,?,?,?,?)",
            (number, *values),
        ).lastrowid
        connection.execute("INSERT INTO vectors VALUES (?, ?)", (chunk_number, vector))


def new_state(connection: sqlite3.Connection) -> int:
    """Within a transaction: count the change and give it a token that no other history has."""
    (change,) = connection.execute("SELECT coalesce(max(change), 0) + 1 FROM states").fetchone()
    connection.execute("INSERT INTO states VALUES (?, ?)", (change, secrets.token_hex(8)))
    connection.execute("DELETE FROM states WHERE change <= ?", (change - _STATES_KEPT,))
    now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    connection.execute("UPDATE manifest SET value = ? WHERE key = 'updated'", (as_json(now),))
    return int(change)


def acknowledge(folder: Path, change: int) -> None:
    """Note outside the database what was reported as done. Only a check needs it: failing to write it is no failure."""
    with contextlib.suppress(OSError):
        path = folder / f"{ACKNOWLEDGED}.new"
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(str(change))
        path.replace(folder / ACKNOWLEDGED)


def acknowledged(folder: Path) -> int:
    try:
        return int((folder / ACKNOWLEDGED).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
