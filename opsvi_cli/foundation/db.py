"""SQLite as opsvi uses it: WAL, private files, forward migrations, a clear error when the file is damaged."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from opsvi_cli.errors import StoreError

from .paths import private_dir


def connect(path: Path, migrations: Sequence[str], *, wait_seconds: float = 10.0) -> sqlite3.Connection:
    """Open a database, mode 0600, and bring its schema up to date: `migrations[n]` makes version n + 1.

    Raises StoreError when the file is damaged, from a newer opsvi, or cannot be opened.
    """
    private_dir(path.parent)
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        _migrate(connection, migrations, path)
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path}: {error}", hint=f"move the file away or restore it: {path}") from error
    return connection


def _migrate(connection: sqlite3.Connection, migrations: Sequence[str], path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise StoreError(f"{path} was written by a newer opsvi (schema {version})", hint="upgrade opsvi")
    if version == len(migrations):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated while this one waited for the lock.
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for number, script in enumerate(migrations[version:], version + 1):
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={number}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    """Split a script where SQLite itself says a statement is complete (triggers hold semicolons)."""
    found: list[str] = []
    pending = ""
    for piece in script.split(";"):
        pending += piece + ";"
        if sqlite3.complete_statement(pending):
            if pending.strip(" \n;"):
                found.append(pending)
            pending = ""
    return found
