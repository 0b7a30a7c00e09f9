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
        rows = connection.execute(_QUERY, {"terms": words, "limit": limit}).fetchall()
    except sqlite3.Error as error:
        raise database_error(path, error) from error
    finally:
        connection.close()
    return [FoundMessage(**{name: row[name] for name in FIELDS}) for row in rows]


# The best are chosen before anything is said about them: counting turns and cutting a piece of text for every match
# of a common word takes seconds.
_QUERY = """
WITH best AS (
    SELECT m.id, bm25(words) AS score FROM words JOIN messages m ON m.id = words.rowid
    WHERE words MATCH :terms AND m.status != 'replaced' ORDER BY score, m.id DESC LIMIT :limit
)
SELECT m.session, s.name, m.role, m.time,
       (SELECT COUNT(*) FROM messages q
        WHERE q.session = m.session AND q.role = 'user' AND q.status != 'replaced' AND q.id <= m.id) AS turn,
       (SELECT snippet(words, 0, '', '', '…', 24) FROM words WHERE words MATCH :terms AND rowid = m.id) AS text
FROM best JOIN messages m ON m.id = best.id JOIN sessions s ON s.id = m.session
ORDER BY best.score, m.id DESC
"""
