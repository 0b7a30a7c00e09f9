"""The tables of a collection, and opening its file: private, WAL, with a clear error when it is damaged.

`synchronous=FULL`: in WAL mode a commit is then on the disk when it returns, also after a power cut. NORMAL would lose
the last batches; a checkpoint after each would cost more than the one fsync of a batch.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from opsvi_cli.sdk import StoreError

APPLICATION_ID = 0x6F707376  # "opsv"
VERSION = 1
BUSY_SECONDS = 30.0

TABLES = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE states (change INTEGER PRIMARY KEY, token TEXT NOT NULL);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    part TEXT NOT NULL,
    title TEXT NOT NULL,
    media_type TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    characters INTEGER NOT NULL,
    chunks INTEGER NOT NULL,
    ingested TEXT NOT NULL,
    metadata TEXT NOT NULL,
    packed INTEGER NOT NULL,
    body BLOB NOT NULL,
    checksum BLOB NOT NULL
);
CREATE INDEX documents_in_order ON documents (source, part, id);
CREATE TABLE chunks (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    document INTEGER NOT NULL REFERENCES documents (number),
    position INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    page INTEGER,
    section TEXT NOT NULL,
    heading TEXT NOT NULL,
    text TEXT NOT NULL,
    grams TEXT NOT NULL
);
CREATE INDEX chunks_of_document ON chunks (document, position);
CREATE TABLE vectors (number INTEGER PRIMARY KEY REFERENCES chunks (number), vector BLOB NOT NULL);
CREATE VIRTUAL TABLE words USING fts5 (
    heading, text, grams, content = 'chunks', content_rowid = 'number',
    tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co Mn Mc'"
);
CREATE TRIGGER chunk_in AFTER INSERT ON chunks BEGIN
    INSERT INTO words (rowid, heading, text, grams) VALUES (new.number, new.heading, new.text, new.grams);
END;
CREATE TRIGGER chunk_out AFTER DELETE ON chunks BEGIN
    INSERT INTO words (words, rowid, heading, text, grams)
    VALUES ('delete', old.number, old.heading, old.text, old.grams);
END;
"""


def damaged(name: str, path: Path, error: Exception) -> StoreError:
    """What a SQLite error means for the user."""
    text = str(error)
    if "full" in text:
        return StoreError(
            f"collection {name!r} cannot be written: {text}", hint="free some disk space and run it again"
        )
    if "locked" in text or "busy" in text:
        return StoreError(f"collection {name!r} is busy: {text}", hint="try again when the other process is done")
    if "disk I/O" in text:
        return StoreError(f"collection {name!r}: {text}", hint=f"check the disk that holds {path.parent} and its space")
    if "readonly" in text or "unable to open" in text:
        return StoreError(f"collection {name!r} cannot be opened: {text}", hint=f"check the rights of {path.parent}")
    return StoreError(
        f"collection {name!r} is damaged: {text}",
        hint=f"`opsvi collections check {name}` says what is wrong; restore {path}, or delete it and ingest again",
    )


@contextlib.contextmanager
def guarded(name: str, path: Path) -> Iterator[None]:
    """Turn SQLite's errors into StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise damaged(name, path, error) from error


def make(path: Path) -> sqlite3.Connection:
    """A new file, mode 0600, with empty tables. Nothing is committed yet but the tables."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    connection = _connect(path, "rw")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(f"BEGIN; {TABLES} COMMIT;")
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={VERSION}")
    return connection


def open_file(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open a collection's file. Raises sqlite3.Error, and StoreError for the file of a newer opsvi."""
    try:
        connection = _connect(path, "rw" if write else "ro")
    except sqlite3.OperationalError:
        # On a read-only medium WAL needs its side files; without a log there is nothing to miss in the file itself.
        if write or path.with_name(path.name + "-wal").exists():
            raise
        connection = _connect(path, "ro&immutable=1")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise sqlite3.DatabaseError("it is not a collection of opsvi")
    if version > VERSION:
        raise StoreError(f"{path} was written by a newer opsvi (schema {version})", hint="upgrade opsvi")
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    try:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
