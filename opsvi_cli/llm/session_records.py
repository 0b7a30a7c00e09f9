"""What the database of sessions holds: its schema, its rows as values, and the pairs that a model is shown again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from opsvi_cli.sdk import Attachment, Message, Usage

from .fencing import fenced

Status = Literal["complete", "partial", "replaced"]

MIGRATIONS = (
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        name TEXT UNIQUE,
        title TEXT NOT NULL DEFAULT '',
        created TEXT NOT NULL,
        updated TEXT NOT NULL,
        model TEXT,
        collection TEXT
    );
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
        text TEXT NOT NULL,
        sources TEXT NOT NULL DEFAULT '[]',
        usage TEXT NOT NULL DEFAULT '{}',
        model TEXT,
        status TEXT NOT NULL CHECK (status IN ('complete', 'partial', 'replaced')),
        time TEXT NOT NULL
    );
    CREATE INDEX messages_of ON messages(session, id);
    CREATE INDEX sessions_by_time ON sessions(updated);
    """,
    """
    ALTER TABLE sessions ADD COLUMN system TEXT NOT NULL DEFAULT '';
    ALTER TABLE sessions ADD COLUMN summary TEXT NOT NULL DEFAULT '';
    ALTER TABLE sessions ADD COLUMN summarized INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE attachments (
        message INTEGER NOT NULL REFERENCES messages(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        media_type TEXT NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (message, position)
    );
    CREATE VIRTUAL TABLE words USING fts5(
        text, content='messages', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
    );
    CREATE TRIGGER words_added AFTER INSERT ON messages BEGIN
        INSERT INTO words(rowid, text) VALUES (new.id, new.text);
    END;
    CREATE TRIGGER words_removed AFTER DELETE ON messages BEGIN
        INSERT INTO words(words, rowid, text) VALUES ('delete', old.id, old.text);
    END;
    CREATE TRIGGER words_changed AFTER UPDATE OF text ON messages BEGIN
        INSERT INTO words(words, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO words(rowid, text) VALUES (new.id, new.text);
    END;
    INSERT INTO words(words) VALUES ('rebuild');
    """,
    """
    ALTER TABLE sessions ADD COLUMN base_url TEXT NOT NULL DEFAULT '';
    ALTER TABLE sessions ADD COLUMN tainted INTEGER NOT NULL DEFAULT 0;
    """,
)


@dataclass(frozen=True, slots=True)
class Session:
    """`model` and `collection` are those of its latest turn; `name` is what the user called it, if anything.

    `summary` stands for the messages up to the id `summarized`, which are no longer sent to the model. `base_url` is
    where the model is, when it was not at its own address; `tainted` is 1 once a tool brought in text of others.
    """

    id: str
    name: str | None
    title: str
    created: str
    updated: str
    model: str | None
    collection: str | None
    messages: int
    system: str = ""
    summary: str = ""
    summarized: int = 0
    base_url: str = ""
    tainted: int = 0

    @property
    def label(self) -> str:
        """How people call it."""
        return self.name or self.id


@dataclass(frozen=True, slots=True)
class SavedMessage:
    """`sources` is what /sources shows: a mapping with n, source, page, section and quote for each citation."""

    id: int
    role: Literal["user", "assistant"]
    text: str
    sources: tuple[dict[str, Any], ...]
    usage: Usage
    model: str | None
    status: Status
    time: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """A question and its answer; `answer` is None when there was none."""

    question: SavedMessage
    answer: SavedMessage | None

    @property
    def brought_text(self) -> bool:
        """True when it brought text of others into the conversation."""
        return bool(self.question.attachments) or (self.answer is not None and bool(self.answer.sources))


@dataclass(frozen=True, slots=True)
class Pair:
    """An answered turn as a model is shown it again; `id` is that of its question."""

    id: int
    question: Message
    answer: Message


def history(turns: Sequence[Turn]) -> list[Pair]:
    """The pairs that a model is shown again: questions that got an answer, cut ones marked."""
    pairs = []
    for turn in turns:
        if turn.answer is not None and turn.answer.text.strip():
            text = turn.answer.text + (" [this answer was cut off]" if turn.answer.status == "partial" else "")
            question = with_attachments(turn.question.text, turn.question.attachments)
            pairs.append(Pair(turn.question.id, question, Message("assistant", text)))
    return pairs


def with_attachments(text: str, attachments: Sequence[Attachment]) -> Message:
    """A user's message: images stay attachments, the text of documents is fenced below the words."""
    kept, parts = [], [text]
    for file in attachments:
        if file.media_type.startswith("text/"):
            parts.append(fenced(file.data.decode("utf-8", "replace").strip("\n"), file.name))
        else:
            kept.append(file)
    return Message("user", "\n\n".join(part for part in parts if part), attachments=tuple(kept))


def session_of(row: sqlite3.Row) -> Session:
    """A row of `sessions` with its number of messages."""
    return Session(**{name: row[name] for name in row.keys()})  # noqa: SIM118  # a Row iterates over its values


def message_of(row: sqlite3.Row, attachments: Sequence[sqlite3.Row] = ()) -> SavedMessage:
    """A row of `messages` and those of its attachments."""
    return SavedMessage(
        id=row["id"],
        role=cast("Literal['user', 'assistant']", row["role"]),
        text=row["text"],
        sources=tuple(json.loads(row["sources"])),
        usage=Usage(**json.loads(row["usage"])),
        model=row["model"],
        status=cast(Status, row["status"]),
        time=row["time"],
        attachments=tuple(Attachment(file["name"], file["media_type"], file["data"]) for file in attachments),
    )


def storable(text: str) -> str:
    """SQLite takes no lone surrogates."""
    return text.encode("utf-8", "replace").decode("utf-8")
