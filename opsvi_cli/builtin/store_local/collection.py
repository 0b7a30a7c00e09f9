"""One open collection of the store `local`: reading and searching; writing is in `writing`, checking in `checks`.

numpy and the vector index are imported by what needs vectors only, so that listing and keyword search stay cheap.
"""

# Only constants, placeholders and conditions made by `filters_sql` are put into SQL text; values are bound.
# ruff: noqa: S608

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from opsvi_cli.sdk import (
    Chunk,
    CollectionInfo,
    DocumentRecord,
    DocumentWrite,
    Filter,
    Finding,
    NotFoundError,
    Scored,
    StoreError,
    Vectors,
)

from . import keywords, schema
from .filters_sql import compile_filter
from .records import CHUNK_COLUMNS, DOCUMENT_COLUMNS, read_chunk, read_document, read_manifest, unpack

if TYPE_CHECKING:
    from .lock import WriterLock
    from .vector_index import Floats, Numbers, State, VectorIndex

_SLICE = 500
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """From how many chunks on there is an index file, and FAISS in place of numpy; how much may be caught up."""

    file_rows: int = 2_000
    faiss_rows: int = 100_000
    stale_rows: int = 5_000


class LocalStore:
    """See `sdk.Store`. Readers see the last commit at each call and never wait for the writer."""

    capabilities = frozenset({"keyword", "filter", "vectors"})

    def __init__(
        self, connection: sqlite3.Connection, path: Path, lock: WriterLock | None, options: IndexOptions
    ) -> None:
        self._db = connection
        self._path = path
        self._lock = lock
        self._options = options
        self._index: tuple[State, VectorIndex, Numbers | None] | None = None
        self._info = read_manifest(connection)

    @property
    def info(self) -> CollectionInfo:
        return self._info

    def write(self, batch: Sequence[DocumentWrite], remove: Sequence[str] = ()) -> None:
        from opsvi_cli.builtin.store_checks import check_batch

        from .writing import acknowledge, new_state, put_document, remove_documents, transaction

        self._may_write()
        if not batch and not remove:
            return
        check_batch(batch, self._info.dimension)
        with self._guarded(), transaction(self._db):
            remove_documents(self._db, remove)
            for item in batch:
                put_document(self._db, item)
            change = new_state(self._db)
        acknowledge(self._path.parent, change)
        self._info = read_manifest(self._db)

    def remove(self, document_ids: Sequence[str]) -> int:
        from .writing import acknowledge, new_state, remove_documents, transaction

        self._may_write()
        with self._guarded(), transaction(self._db):
            gone = remove_documents(self._db, document_ids)
            change = new_state(self._db) if gone else 0
        if gone:
            acknowledge(self._path.parent, change)
            self._info = read_manifest(self._db)
        return gone

    def _may_write(self) -> None:
        if self._lock is None:
            raise StoreError(f"collection {self._info.name!r} is open for reading only", hint="open it for writing")

    def _guarded(self) -> contextlib.AbstractContextManager[None]:
        return schema.guarded(self._info.name, self._path)

    def documents(self, where: Filter | None = None) -> Iterator[DocumentRecord]:
        condition, parameters = ("1", []) if where is None else compile_filter(self._db, where)
        query = f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE {condition} ORDER BY source, part, id"
        with self._guarded():
            rows = self._db.execute(query, parameters).fetchall()
        return (read_document(row) for row in rows)

    def document_text(self, document_id: str) -> str:
        with self._guarded():
            query = "SELECT packed, body FROM documents WHERE id = ?"
            row = self._db.execute(query, (document_id,)).fetchone()
        if row is None:
            raise NotFoundError(
                f"there is no document {document_id!r} in collection {self._info.name!r}",
                hint=f"opsvi collections documents {self._info.name}",
            )
        return unpack(*row)

    def chunks(self, chunk_ids: Sequence[str]) -> list[tuple[Chunk, DocumentRecord]]:
        found: dict[str, tuple[Chunk, DocumentRecord]] = {}
        columns = ", ".join(f"d.{name}" for name in DOCUMENT_COLUMNS.split(", "))
        records: dict[str, DocumentRecord] = {}
        for ids in _slices(chunk_ids):
            query = (
                f"SELECT {CHUNK_COLUMNS}, {columns} FROM chunks c JOIN documents d ON d.number = c.document "
                f"WHERE c.id IN ({', '.join('?' * len(ids))})"
            )
            with self._guarded():
                for row in self._db.execute(query, ids):
                    document = row[7:]
                    record = records.get(document[0]) or records.setdefault(document[0], read_document(document))
                    found[row[0]] = (read_chunk(row[:7], record.id), record)
        return [found[id_] for id_ in chunk_ids if id_ in found]

    def keyword_search(self, text: str, k: int, where: Filter | None = None) -> list[Scored]:
        with self._guarded():
            expression = keywords.expression(self._db, text)
            if expression is None or k < 1:
                return []
            allowed = None if where is None else set(self._numbers(where))
            # FTS5 sorts all matches by itself whatever the limit, so rows are read until the k-th has no more ties.
            query = "SELECT rowid, rank FROM words WHERE words MATCH ? ORDER BY rank"
            best: list[tuple[int, float]] = []
            for number, rank in self._db.execute(query, (expression,)):
                score = round(-rank, 6)
                if len(best) >= k and score < best[-1][1]:
                    break
                if allowed is None or number in allowed:
                    best.append((number, score))
            return self._scored(best, k)

    def search(self, vector: Vectors, k: int, where: Filter | None = None) -> list[Scored]:
        import numpy as np

        from opsvi_cli.builtin.store_checks import query_row

        from . import vector_index

        wanted = query_row(vector, self._info)
        if k < 1:
            return []
        with self._guarded(), self._snapshot():
            allowed = None if where is None else np.asarray(self._numbers(where), dtype=np.int64)
            if allowed is not None and allowed.size <= self._options.file_rows:
                numbers, scores = self._exact(wanted, allowed.tolist())
            else:
                index, live = self._loaded_index()
                masked = _both(allowed, live)
                numbers, scores = index.top(wanted, k, masked)
                fresh, blob = _joined(self.vector_blocks(index.last, 1 << 14))
                if fresh:
                    new = np.asarray(fresh, dtype=np.int64)
                    rows = vector_index.decode(blob, self._info.dimension) @ wanted
                    keep = slice(None) if allowed is None else np.isin(new, allowed)
                    numbers, scores = np.concatenate([numbers, new[keep]]), np.concatenate([scores, rows[keep]])
            numbers, scores = vector_index.best(numbers, scores, k)
            rounded = np.round(scores.astype(np.float64), 6).tolist()
            return self._scored(list(zip(numbers.tolist(), rounded, strict=True)), k)

    def _exact(self, vector: Floats, numbers: Sequence[int]) -> tuple[Numbers, Floats]:
        import numpy as np

        from .vector_index import decode

        found: list[tuple[int, bytes]] = []
        for some in _slices(numbers):
            query = f"SELECT number, vector FROM vectors WHERE number IN ({', '.join('?' * len(some))})"
            found.extend(self._db.execute(query, some))
        rows = decode(b"".join(blob for _number, blob in found), self._info.dimension)
        return np.asarray([number for number, _blob in found], dtype=np.int64), rows @ vector

    def _numbers(self, where: Filter) -> list[int]:
        """The chunks of the documents that match."""
        condition, parameters = compile_filter(self._db, where)
        query = f"SELECT number FROM chunks WHERE document IN (SELECT number FROM documents WHERE {condition})"
        return [number for (number,) in self._db.execute(query, parameters)]

    def _scored(self, best: Sequence[tuple[int, float]], k: int) -> list[Scored]:
        ids: dict[int, str] = {}
        for some in _slices([number for number, _score in best]):
            query = f"SELECT number, id FROM chunks WHERE number IN ({', '.join('?' * len(some))})"
            ids.update(self._db.execute(query, some))
        scored = [Scored(ids[number], score) for number, score in best if number in ids]
        return sorted(scored, key=lambda item: (-item.score, item.chunk_id))[:k]

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[None]:
        """One state of the database for several statements."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("COMMIT")

    def vector_blocks(self, after: int, size: int) -> Iterable[tuple[list[int], bytes]]:
        """(numbers, float16 rows) in ascending order."""
        cursor = self._db.execute("SELECT number, vector FROM vectors WHERE number > ? ORDER BY number", (after,))
        while rows := cursor.fetchmany(size):
            yield [number for number, _vector in rows], b"".join(vector for _number, vector in rows)

    def _state(self) -> State:
        from .vector_index import State

        row = self._db.execute("SELECT change, token FROM states ORDER BY change DESC LIMIT 1").fetchone()
        (last,) = self._db.execute("SELECT coalesce(max(number), 0) FROM vectors").fetchone()
        change, token = row or (0, "")
        return State(change, token, last)

    def _was_in(self, change: int, token: str) -> bool:
        query = "SELECT 1 FROM states WHERE change = ? AND token = ?"
        return self._db.execute(query, (change, token)).fetchone() is not None

    def _loaded_index(self) -> tuple[VectorIndex, Numbers | None]:
        """An index and, when rows of it were removed since, the numbers that still live."""
        state = self._state()
        if self._index is None or self._index[0] != state:
            index = self._open_index(state)
            self._index = (state, index, self._survivors(index))
        return self._index[1:]

    def _survivors(self, index: VectorIndex) -> Numbers | None:
        import numpy as np

        if self._chunk_count() - self._count_after(index.last) == index.numbers.size:
            return None  # numbers are never given twice: as many rows are the same rows
        query = "SELECT number FROM vectors WHERE number <= ?"
        return np.asarray([n for (n,) in self._db.execute(query, (index.last,))], dtype=np.int64)

    def _chunk_count(self) -> int:
        """From the smallest index there is: the table of vectors would be read whole."""
        return int(self._db.execute("SELECT count(*) FROM chunks").fetchone()[0])

    def _count_after(self, number: int) -> int:
        return int(self._db.execute("SELECT count(*) FROM vectors WHERE number > ?", (number,)).fetchone()[0])

    def _open_index(self, state: State) -> VectorIndex:
        from . import vector_index

        folder, dimension = self._path.parent, self._info.dimension
        rows = self._chunk_count()
        if rows >= self._options.file_rows:
            index = vector_index.load(folder, dimension, self._was_in)
            if index is None or self._too_stale(index, rows):
                with contextlib.suppress(OSError):  # a folder that cannot be written: this search does without
                    self._build(state, rows)
                    index = vector_index.load(folder, dimension, self._was_in)
            if index is not None:
                return index
        return vector_index.in_memory(dimension, state, self)

    def _too_stale(self, index: VectorIndex, rows: int) -> bool:
        new = self._count_after(index.last)
        gone = index.numbers.size - (rows - new)
        return bool(new + gone > self._options.stale_rows)

    def _build(self, state: State, rows: int) -> None:
        from . import vector_index

        kind = "faiss" if rows >= self._options.faiss_rows else "matrix"
        vector_index.build(self._path.parent, self._info.dimension, state, self, kind)

    def scroll(self) -> Iterator[DocumentWrite]:
        from .vector_index import decode

        for record in self.documents():
            with self._guarded():
                query = (
                    f"SELECT {CHUNK_COLUMNS}, v.vector FROM chunks c JOIN vectors v ON v.number = c.number "
                    "WHERE c.document = (SELECT number FROM documents WHERE id = ?) ORDER BY c.position, c.number"
                )
                rows = self._db.execute(query, (record.id,)).fetchall()
            chunks = [read_chunk(row[:-1], record.id) for row in rows]
            vectors = decode(b"".join(row[-1] for row in rows), self._info.dimension)
            yield DocumentWrite(record, self.document_text(record.id), chunks, vectors)

    def count(self) -> tuple[int, int]:
        with self._guarded():
            row = self._db.execute("SELECT count(*), coalesce(sum(chunks), 0) FROM documents").fetchone()
        return row[0], row[1]

    def check(self) -> list[Finding]:
        from .checks import check

        try:
            state = self._state()
        except sqlite3.Error as error:
            return [Finding("database", str(error))]
        return check(self._db, self._path, self._info.dimension, state)

    def close(self) -> None:
        """A writer leaves the index up to date and the log empty; what fails there is made up for by the next."""
        try:
            if self._lock is not None:
                self._leave_tidy()
        finally:
            self._db.close()
            if self._lock is not None:
                self._lock.release()

    def _leave_tidy(self) -> None:
        with contextlib.suppress(sqlite3.Error, OSError):
            rows = self._chunk_count()
            if rows >= self._options.file_rows:
                from . import vector_index

                state, stamp = self._state(), vector_index.read_stamp(self._path.parent)
                if stamp is None or (stamp.change, stamp.token) != (state.change, state.token):
                    self._build(state, rows)
                vector_index.sweep(self._path.parent)
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("PRAGMA busy_timeout=0")  # readers keep the log: it is emptied another time
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _slices(items: Sequence[T]) -> Iterator[list[T]]:
    for start in range(0, len(items), _SLICE):
        yield list(items[start : start + _SLICE])


def _joined(blocks: Iterable[tuple[list[int], bytes]]) -> tuple[list[int], bytes]:
    numbers: list[int] = []
    blobs: list[bytes] = []
    for some, blob in blocks:
        numbers.extend(some)
        blobs.append(blob)
    return numbers, b"".join(blobs)


def _both(first: Numbers | None, second: Numbers | None) -> Numbers | None:
    import numpy as np

    if first is None or second is None:
        return first if second is None else second
    return np.intersect1d(first, second, assume_unique=True)
