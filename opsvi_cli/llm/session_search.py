"""Finding what was said: the words of past sessions, best match first."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.db import connect, database_error

from .search_words import fts_query
from .session_records import MIGRATIONS
from .sessions import sessions_file

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

FIELDS = ("session", "name", "turn", "role", "time", "text")


@dataclass(frozen=True, slots=True)
class FoundMessage:
    """A message that holds the words. `turn` counts from 1; `text` is the part of it where they stand."""

    session: str
    name: str | None
    turn: int
    role: str
    time: str
    text: str


def search_sessions(app: AppContext, text: str, *, limit: int = 20) -> list[FoundMessage]:
    """Messages with all words of `text`; "several words" in quotes stand together, word* begins like that.

    Raises UsageError when `text` holds no word.
    """
    words = fts_query(text)
    if not words:
        raise UsageError("there is no word to search for", hint='opsvi chat search "backup*"')
    path = sessions_file(app.paths)
    if not path.exists():
        return []
    connection = connect(path, MIGRATIONS)
    try:
        rows = connection.execute(_QUERY, (words, limit)).fetchall()
    except sqlite3.Error as error:
        raise database_error(path, error) from error
    finally:
        connection.close()
    return [FoundMessage(**{name: row[name] for name in FIELDS}) for row in rows]


_QUERY = """
SELECT m.session, s.name, m.role, m.time,
       (SELECT COUNT(*) FROM messages q
        WHERE q.session = m.session AND q.role = 'user' AND q.status != 'replaced' AND q.id <= m.id) AS turn,
       snippet(words, 0, '', '', '…', 24) AS text
FROM words JOIN messages m ON m.id = words.rowid JOIN sessions s ON s.id = m.session
WHERE words MATCH ? AND m.status != 'replaced'
ORDER BY bm25(words), m.id DESC LIMIT ?
"""
