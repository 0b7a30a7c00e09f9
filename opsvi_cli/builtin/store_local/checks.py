"""What `opsvi collections check` proves of a collection, from the file's pages up to the checksum of each document."""

# Only constants, placeholders and conditions made by `filters_sql` are put into SQL text; values are bound.
# ruff: noqa: S608

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.sdk import Finding, StoreError

from . import schema
from .records import CHUNK_COLUMNS, DOCUMENT_COLUMNS, checksum, read_chunk, unpack
from .writing import acknowledged

if TYPE_CHECKING:
    from .vector_index import State

_MOST = 20
"""Findings of one sort that are listed."""


def check(connection: sqlite3.Connection, path: Path, dimension: int, state: State) -> list[Finding]:
    """Empty when sound. A damaged file gives findings, not an error."""
    found: list[Finding] = []
    for step in (_pages, _keyword_index, _counts):
        found.extend(_taken(step(connection, path)))
    found.extend(_taken(_documents(connection, dimension)))
    lost = acknowledged(path.parent) - state.change
    if lost > 0:
        found.append(Finding("log", f"{lost} changes that were reported as written are not there: the log was lost"))
    from .vector_index import problems

    for text in problems(path.parent, state):
        found.append(Finding("vector index", f"{text}; it is rebuilt at the next search"))
    return found


def _taken(findings: Iterator[Finding]) -> list[Finding]:
    taken: list[Finding] = []
    try:
        for finding in findings:
            taken.append(finding)
            if len(taken) == _MOST:
                break
    except (sqlite3.Error, StoreError) as error:
        taken.append(Finding("database", str(error)))
    return taken


def _pages(connection: sqlite3.Connection, _path: Path) -> Iterator[Finding]:
    for (line,) in connection.execute(f"PRAGMA integrity_check({_MOST})"):
        if line != "ok":
            yield Finding("database", line)
    for table, row, parent, _key in connection.execute("PRAGMA foreign_key_check"):
        yield Finding("database", f"row {row} of {table} belongs to nothing in {parent}")


def _keyword_index(_connection: sqlite3.Connection, path: Path) -> Iterator[Finding]:
    """FTS5 offers its check as an INSERT that changes nothing: it needs a connection that may write."""
    try:
        with contextlib.closing(schema.open_file(path, write=True)) as writer:
            writer.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        if "readonly" not in str(error) and "unable to open" not in str(error):
            yield Finding("keyword index", f"it does not match the text ({error})")


def _counts(connection: sqlite3.Connection, _path: Path) -> Iterator[Finding]:
    query = (
        "SELECT d.id, d.chunks, count(c.number), count(v.number) FROM documents d "
        "LEFT JOIN chunks c ON c.document = d.number LEFT JOIN vectors v ON v.number = c.number "
        "GROUP BY d.number HAVING d.chunks <> count(c.number) OR d.chunks <> count(v.number)"
    )
    for id_, wanted, chunks, vectors in connection.execute(query):
        yield Finding("document", f"{id_}: {wanted} chunks expected, {chunks} chunks and {vectors} vectors found")


def _documents(connection: sqlite3.Connection, dimension: int) -> Iterator[Finding]:
    cursor = connection.execute(f"SELECT {DOCUMENT_COLUMNS}, number, packed, body, checksum FROM documents")
    for *row, number, packed, body, expected in cursor:
        id_ = row[0]
        try:
            text = unpack(packed, body)
        except StoreError as error:
            yield Finding("document", f"{id_}: {error.message}")
            continue
        query = (
            f"SELECT {CHUNK_COLUMNS}, v.vector FROM chunks c LEFT JOIN vectors v ON v.number = c.number "
            "WHERE c.document = ? ORDER BY c.position, c.number"
        )
        rows = connection.execute(query, (number,)).fetchall()
        chunks = [read_chunk(item[:-1], id_) for item in rows]
        vectors = [item[-1] or b"" for item in rows]
        if any(len(vector) != 2 * dimension for vector in vectors):
            yield Finding("document", f"{id_}: a vector does not have {dimension} numbers")
        elif any(text[chunk.start : chunk.end] != chunk.text for chunk in chunks):
            yield Finding("document", f"{id_}: a chunk is not the text at its offsets")
        elif checksum(tuple(row), text, chunks, vectors) != expected:
            yield Finding("document", f"{id_}: its checksum does not match")
