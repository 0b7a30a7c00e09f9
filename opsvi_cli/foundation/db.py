"""SQLite as opsvi uses it: WAL, private files, forward migrations, a clear error when the file is damaged."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from opsvi_cli.errors import StoreError

from .paths import private_dir


def connect(
    path: Path, migrations: Sequence[str], *, wait_seconds: float = 10.0, threads: bool = False
) -> sqlite3.Connection:
    """Open a database, mode 0600, and bring its schema up to date: `migrations[n]` makes version n + 1.

    `threads`: the connection is used from several threads, by a caller that lets one in at a time.
    Raises StoreError when the file is damaged, in use for longer than `wait_seconds`, from a newer opsvi, or cannot
    be opened.
    """
    private_dir(path.parent)
    connection: sqlite3.Connection | None = None
    try:
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(path, timeout=wait_seconds, isolation_level=None, check_same_thread=not threads)
        connection.row_factory = sqlite3.Row
        _use_wal(connection, wait_seconds)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA foreign_keys=ON")
        _migrate(connection, migrations, path)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise database_error(path, error) from error
        raise
    return connection


def database_error(path: Path, error: sqlite3.Error) -> StoreError:
    """What SQLite reports, with what to do about it."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError(f"{path} is in use by another process", hint="try again when that one is done")
    if name.startswith("SQLITE_FULL"):
        return StoreError(f"{path}: the disk is full", hint="make room and repeat the command")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_IOERR")):
        return StoreError(f"{path}: {error}", hint="check the disk and the rights of the file and its directory")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreError(f"{path} is damaged: {error}", hint=f"restore it from a backup or move it away: {path}")
    return StoreError(f"{path}: {error}", hint=f"restore it from a backup or move it away: {path}")


def _use_wal(connection: sqlite3.Connection, wait_seconds: float) -> None:
    """Switch to write-ahead logging. SQLite does not wait here when another process is switching, so this does."""
    end = time.monotonic() + wait_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY") or time.monotonic() > end:
                raise
            time.sleep(0.02)


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
        with contextlib.suppress(sqlite3.Error):  # a full disk has ended the transaction already
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
