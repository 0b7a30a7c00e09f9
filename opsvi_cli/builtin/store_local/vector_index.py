"""The vectors of a collection laid out for search: a cache beside the SQLite file, never the truth.

`index.json` names the data files and carries the change counter and token of the transaction they were made from, and
their sizes and checksums. It is renamed into place after them, so a crash leaves the old index or none. An index is
used as it is when its stamp is the collection's own; when the collection has moved on, newer rows are read from
SQLite and removed ones are masked; anything else about it that is not right makes it worth nothing, and it is rebuilt.

Small collections: a float32 matrix, memory-mapped and scanned with numpy. Large ones: a FAISS flat index in float16,
which holds the same numbers as SQLite does, memory-mapped too. Both are exact.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Numbers = npt.NDArray[np.int64]

STAMP = "index.json"
_FORMAT = 1
_BLOCK = 8192


class Rows(Protocol):
    """Where rows come from: SQLite."""

    def vector_blocks(self, after: int, size: int) -> Iterable[tuple[list[int], bytes]]:
        """(numbers, float16 rows) of at most `size` rows, with numbers above `after`, ascending."""


@dataclass(frozen=True, slots=True)
class State:
    """A state of a collection: counter and random token of its last transaction, last number ever given."""

    change: int
    token: str
    last: int


@dataclass(frozen=True, slots=True)
class Stamp:
    format: int
    kind: str
    dimension: int
    rows: int
    change: int
    token: str
    last: int
    vectors: str
    numbers: str
    sizes: list[int]
    checksums: list[int]
    modified: list[int]
    """mtime in nanoseconds: while it stands, the checksums need not be read again."""


class VectorIndex:
    """A loaded index: `numbers` ascending, one row each."""

    def __init__(self, numbers: Numbers, last: int, *, matrix: Floats | None = None, faiss_index: Any = None) -> None:
        self.numbers = numbers
        self.last = last
        self._matrix = matrix
        self._faiss = faiss_index

    def top(self, vector: Floats, k: int, allowed: Numbers | None) -> tuple[Numbers, Floats]:
        """Numbers and scores of the best k rows at least, with all that tie with the k-th; any order."""
        if self._matrix is not None:
            if allowed is None:
                return best(self.numbers, self._matrix @ vector, k)
            rows = np.flatnonzero(np.isin(self.numbers, allowed, assume_unique=True))
            return best(self.numbers[rows], self._matrix[rows] @ vector, k)
        return self._top_faiss(vector, k, allowed)

    def _top_faiss(self, vector: Floats, k: int, allowed: Numbers | None) -> tuple[Numbers, Floats]:
        import faiss

        rows = self.numbers.size
        parameters = None
        if allowed is not None:
            mask = np.isin(self.numbers, allowed, assume_unique=True)
            rows = int(mask.sum())
            bitmap = np.packbits(mask, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(self.numbers), faiss.swig_ptr(bitmap))
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        wanted = min(rows, k + 32)
        while wanted:
            scores, found = self._faiss.search(vector[None, :], wanted, params=parameters)
            if wanted == rows or scores[0][-1] < scores[0][k - 1]:
                return best(self.numbers[found[0]], scores[0], k)
            wanted = min(rows, wanted * 4)
        return self.numbers[:0], np.zeros(0, dtype=np.float32)


def best(numbers: Numbers, scores: Floats, k: int) -> tuple[Numbers, Floats]:
    """The k best and whatever ties with the last of them."""
    if scores.size <= k:
        return numbers, scores
    cut = np.partition(scores, scores.size - k)[scores.size - k]
    keep = np.flatnonzero(scores >= cut - 2e-6)  # a little below: equal rows may differ in the last bit
    return numbers[keep], scores[keep]


def decode(blob: bytes, dimension: int) -> Floats:
    """float16 rows as float32, shape (rows, dimension)."""
    return np.frombuffer(blob, dtype="<f2").reshape(-1, dimension).astype(np.float32)


def load(folder: Path, dimension: int, is_ancestor: Any) -> VectorIndex | None:
    """The index in `folder`; None when there is none that can be trusted.

    `is_ancestor(change, token)` says whether the collection ever was in that state.
    """
    stamp = read_stamp(folder)
    if stamp is None or stamp.dimension != dimension or not is_ancestor(stamp.change, stamp.token):
        return None
    try:
        if not _files_are_sound(folder, stamp):
            return None
        numbers = np.fromfile(folder / stamp.numbers, dtype="<i8")
        if numbers.size != stamp.rows:
            return None
        path = folder / stamp.vectors
        if stamp.kind == "matrix":
            matrix = np.memmap(path, dtype="<f4", mode="r", shape=(stamp.rows, dimension))
            return VectorIndex(numbers, stamp.last, matrix=matrix)
        import faiss

        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        if index.ntotal != stamp.rows or index.d != dimension:
            return None
        return VectorIndex(numbers, stamp.last, faiss_index=index)
    except (OSError, ValueError, RuntimeError):  # another process has just replaced it, or it is not what it says
        return None


def in_memory(dimension: int, state: State, rows: Rows) -> VectorIndex:
    """All rows, read from SQLite: for a collection too small for a file, or a folder that cannot be written."""
    numbers: list[int] = []
    blocks = [np.zeros((0, dimension), dtype=np.float32)]
    for some, blob in rows.vector_blocks(0, _BLOCK):
        numbers.extend(some)
        blocks.append(decode(blob, dimension))
    return VectorIndex(np.asarray(numbers, dtype=np.int64), state.last, matrix=np.concatenate(blocks))


def read_stamp(folder: Path) -> Stamp | None:
    try:
        stamp = Stamp(**json.loads((folder / STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    names = (stamp.vectors, stamp.numbers)
    sound = (
        stamp.format == _FORMAT and stamp.rows > 0 and all(n == Path(n).name and n.startswith("index-") for n in names)
    )
    return stamp if sound else None


def _files_are_sound(folder: Path, stamp: Stamp) -> bool:
    for position, name in enumerate((stamp.vectors, stamp.numbers)):
        status = (folder / name).stat()
        if status.st_size != stamp.sizes[position]:
            return False
        if status.st_mtime_ns != stamp.modified[position] and _checksum(folder / name) != stamp.checksums[position]:
            return False
    return True


def problems(folder: Path, state: State) -> Iterator[str]:
    """What `check` says of an index that claims to be current; an old or missing one is no problem."""
    stamp = read_stamp(folder)
    if stamp is None:
        if (folder / STAMP).exists():
            yield "its stamp cannot be read"
        return
    if (stamp.change, stamp.token) != (state.change, state.token):
        return
    for position, name in enumerate((stamp.vectors, stamp.numbers)):
        with contextlib.suppress(OSError):
            if _checksum(folder / name) == stamp.checksums[position]:
                continue
        yield f"{name} does not match its checksum"


def _checksum(path: Path) -> int:
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = zlib.crc32(block, value)
    return value


def build(folder: Path, dimension: int, state: State, rows: Rows, kind: str) -> None:
    """Write a new index of all rows and put it in the place of the old one. Raises OSError, e.g. on a full disk."""
    name = f"index-{state.change}-{secrets.token_hex(4)}"
    vectors, numbers = folder / f"{name}.{'f32' if kind == 'matrix' else 'faiss'}", folder / f"{name}.numbers"
    try:
        write = _write_matrix if kind == "matrix" else _write_faiss
        count = write(vectors, numbers, dimension, rows)
        if count == 0:
            (folder / STAMP).unlink(missing_ok=True)
        else:
            files = (vectors, numbers)
            stamp = Stamp(
                _FORMAT, kind, dimension, count, state.change, state.token, state.last, vectors.name, numbers.name,
                sizes=[path.stat().st_size for path in files],
                checksums=[_checksum(path) for path in files],
                modified=[path.stat().st_mtime_ns for path in files],
            )  # fmt: skip
            temporary = folder / f"{name}.json"
            with _new_file(temporary) as file:
                file.write(json.dumps(asdict(stamp)).encode())
            temporary.replace(folder / STAMP)
    except BaseException:
        for path in (vectors, numbers, folder / f"{name}.json"):
            path.unlink(missing_ok=True)
        raise
    sweep(folder)


def sweep(folder: Path) -> None:
    """Remove the files of older indexes and of builds that never ended."""
    stamp = read_stamp(folder)
    kept = {stamp.vectors, stamp.numbers} if stamp else set()
    for path in folder.glob("index-*"):
        if path.name not in kept:
            with contextlib.suppress(OSError):
                path.unlink()


@contextlib.contextmanager
def _new_file(path: Path) -> Iterator[Any]:
    """A new private file, on the disk when the block ends."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _write_matrix(vectors: Path, numbers: Path, dimension: int, rows: Rows) -> int:
    count = 0
    with _new_file(vectors) as out, _new_file(numbers) as ids:
        for block, blob in rows.vector_blocks(0, _BLOCK):
            out.write(decode(blob, dimension).astype("<f4").tobytes())
            ids.write(np.asarray(block, dtype="<i8").tobytes())
            count += len(block)
    return count


def _write_faiss(vectors: Path, numbers: Path, dimension: int, rows: Rows) -> int:
    import faiss

    index = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    with _new_file(numbers) as ids:
        for block, blob in rows.vector_blocks(0, _BLOCK):
            index.add(decode(blob, dimension))
            ids.write(np.asarray(block, dtype="<i8").tobytes())
    with _new_file(vectors) as out:
        faiss.write_index(index, faiss.PyCallbackIOWriter(out.write))  # type: ignore[attr-defined]
    return int(index.ntotal)
