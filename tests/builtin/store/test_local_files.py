"""The store `local` on disk: files and their rights, one writer, damage, crashes, the index as a mere cache."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opsvi_cli.sdk import Compare, DocumentWrite, Store, StoreError

Make = Callable[..., DocumentWrite]
QUERY = np.arange(1, 9, dtype=np.float32) / np.linalg.norm(np.arange(1, 9))


@contextlib.contextmanager
def opened(backend: Any, name: str = "notes", **options: Any) -> Iterator[Any]:
    with contextlib.closing(backend.open(name, **options)) as store:
        yield store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "collections" / "notes"


@pytest.fixture
def fill(manifest: Any, document: Make) -> Callable[..., None]:
    def act(backend: Any, first: int = 0, last: int = 30) -> None:
        with opened(backend, create=manifest, write=True) as store:
            store.write([document(f"d{n:03}", f"document number {n} about the disk") for n in range(first, last)])

    return act


def all_scores(store: Store) -> list[tuple[str, float]]:
    return [(hit.chunk_id, hit.score) for hit in store.search(QUERY, 1000)]


def index_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("index"))


def test_files_are_private(local: Any, fill: Any, folder: Path) -> None:
    os.umask(0o022)
    backend = local(index_file_rows=1)
    fill(backend)
    with opened(backend, write=True):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.parent.stat().st_mode & 0o777 == 0o700
        for path in (*folder.iterdir(), *folder.parent.glob(".*")):
            assert path.stat().st_mode & 0o077 == 0, path


def test_the_text_of_a_document_is_packed(local: Any, manifest: Any, document: Make, folder: Path) -> None:
    text = "the same words again and again " * 1000
    with opened(local(), create=manifest, write=True) as store:
        store.write([document("long", text, size=10_000), document("short", "ß")])
        assert store.document_text("long") == text
        assert store.document_text("short") == "ß"
    with contextlib.closing(sqlite3.connect(folder / "collection.db")) as database:
        sizes = dict(database.execute("SELECT id, length(body) FROM documents"))
    assert sizes["long"] < len(text) / 10
    assert sizes["short"] == 2


def test_hostile_text_and_metadata_are_stored_with_offsets_kept(local: Any, manifest: Any, document: Make) -> None:
    deep: Any = "end"
    for _ in range(200):
        deep = [deep]
    metadata = {"nul": "a\0b", "lone": "x\ud800y", "nan": float("nan"), "deep": deep, "set": {"k\0": 1}}
    with opened(local(), create=manifest, write=True) as store:
        store.write([document("d", "before \ud800 after \0 the end", size=12, metadata=metadata, title="t\ud801")])
        assert store.document_text("d") == "before \ufffd after \0 the end"
        for chunk, record in store.chunks(["d.0", "d.1"]):
            assert store.document_text(record.id)[chunk.start : chunk.end] == chunk.text
        kept = next(store.documents()).metadata
        assert (kept["nul"], kept["lone"], kept["nan"], kept["set"]) == ("a\ufffdb", "x\ufffdy", None, {"k\ufffd": 1})
        assert list(store.documents(Compare("nul", "eq", "a\0b"))) == []
        assert list(store.documents(Compare("lone", "eq", "x\ud800y"))) == []
        assert len(list(store.documents(Compare("nan", "eq", None)))) == 1
        assert store.check() == []


def test_one_writer_and_its_process_is_named(local: Any, fill: Any, tmp_path: Path) -> None:
    fill(local())
    script = """
        import sys, logging
        from opsvi_cli.builtin.store_local.backend import LocalBackend
        class S: data_dir, options = sys.argv[1], {}
        store = LocalBackend(S()).open("notes", write=True)
        print("ready", flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path / "data")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        for act in (
            lambda: local().open("notes", write=True),
            lambda: local().delete("notes"),
            lambda: local().rename("notes", "other"),
        ):
            with pytest.raises(StoreError, match=f"process {child.pid}"):
                act()
        with opened(local()) as reader:  # readers go on
            assert reader.count()[0] == 30
        child.communicate()
    with opened(local(), write=True) as store:
        assert store.count()[0] == 30


def test_a_reader_sees_the_last_commit_and_never_waits(local: Any, fill: Any, manifest: Any, document: Make) -> None:
    fill(local(), 0, 3)
    with opened(local()) as reader, opened(local(), write=True) as writer:
        writer._db.execute("BEGIN IMMEDIATE")  # a batch in flight
        writer._db.execute("DELETE FROM vectors")
        reader._db.execute("PRAGMA busy_timeout=0")
        assert reader.count()[0] == 3
        assert len(all_scores(reader)) == 6
        writer._db.execute("ROLLBACK")
        writer.write([document("new", "one more")])
        assert reader.count()[0] == 4
        assert len(all_scores(reader)) == 7


@pytest.mark.parametrize("options", [{"index_file_rows": 1}, {"index_file_rows": 1, "index_faiss_rows": 1}])
class TestIndex:
    def test_answers_are_those_of_sqlite(self, local: Any, fill: Any, folder: Path, options: Any) -> None:
        fill(local())
        assert index_files(folder) == []
        with opened(local()) as store:
            expected = all_scores(store)
        with opened(local(**options)) as store:
            assert all_scores(store) == expected
            some = store.search(QUERY, 5, Compare("source", "glob", "*d00*"))
        assert [(s.chunk_id, s.score) for s in some] == [e for e in expected if e[0].startswith("d00")][:5]
        assert len(index_files(folder)) == 3

    @pytest.mark.parametrize("damage", ["flip", "cut", "gone", "stamp", "stamp-gone", "other"])
    def test_a_damaged_index_is_rebuilt_in_silence(
        self, local: Any, fill: Any, folder: Path, options: Any, damage: str
    ) -> None:
        backend = local(**options)
        fill(backend)
        with opened(backend) as store:
            expected = all_scores(store)
            stamp = json.loads((folder / "index.json").read_text())
            vectors = folder / stamp["vectors"]
            data = bytearray(vectors.read_bytes())
            if damage == "flip":
                data[-40:] = bytes(b ^ 0x41 for b in data[-40:])
                vectors.write_bytes(data)
            elif damage == "cut":
                vectors.write_bytes(data[:-40])
            elif damage == "gone":
                vectors.unlink()
            elif damage == "stamp":
                (folder / "index.json").write_text('{"format": ')
            elif damage == "other":  # of another history with as many changes
                (folder / "index.json").write_text(json.dumps({**stamp, "token": "0" * 16}))
            else:
                (folder / "index.json").unlink()
            findings = [finding.what for finding in store.check()]
            assert findings == (["vector index"] if damage in ("flip", "cut", "gone", "stamp") else [])
        with opened(backend) as store:
            assert all_scores(store) == expected
            assert store.check() == []

    def test_an_old_index_is_caught_up(self, local: Any, fill: Any, folder: Path, document: Make, options: Any) -> None:
        backend = local(**options)
        fill(backend)
        before = index_files(folder)
        with opened(local(), write=True) as store:  # this writer keeps no index
            store.write([document("e", "a new document"), document("d003", "changed")], remove=["d001", "d002"])
            expected = all_scores(store)
        with opened(backend) as store:
            assert all_scores(store) == expected
            assert not any(id_.startswith(("d001", "d002")) for id_, _score in expected)
            some = Compare("document_id", "in", ["e", "d001", "d003", "d005"])
            assert {s.chunk_id[:4] for s in store.search(QUERY, 99, some)} == {"e.0", "d003", "d005"}
        assert index_files(folder) == before
        with opened(backend, write=True):
            pass
        assert index_files(folder) != before
        with opened(backend) as store:
            assert all_scores(store) == expected

    def test_left_over_files_go(self, local: Any, fill: Any, folder: Path, options: Any) -> None:
        backend = local(**options)
        fill(backend)
        leftovers = [folder / "index-9-dead.f32", folder / "index-9-dead.json"]
        for path in leftovers:
            path.write_bytes(b"half of it")
        with opened(backend, write=True):
            pass
        assert not any(path.exists() for path in leftovers)
        assert len(index_files(folder)) == 3

    def test_a_collection_in_a_folder_that_cannot_be_written(
        self, local: Any, fill: Any, folder: Path, options: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(local())
        with opened(local()) as store:
            expected = all_scores(store)
        from opsvi_cli.builtin.store_local import vector_index

        def full(*_args: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(vector_index, "build", full)
        with opened(local(**options)) as store:
            assert all_scores(store) == expected


def test_damage_is_found(local: Any, fill: Any, folder: Path) -> None:
    changes = {
        "UPDATE chunks SET text = 'forged' WHERE id = 'd003.0'": {"keyword index", "document"},
        "UPDATE documents SET metadata = '{\"a\":1}' WHERE id = 'd003'": {"document"},
        "DELETE FROM vectors WHERE number = 3": {"document"},
        "UPDATE vectors SET vector = zeroblob(16) WHERE number = 3": {"document"},
        "UPDATE documents SET body = x'00' WHERE id = 'd003'": {"document"},
    }
    fill(local())
    original = (folder / "collection.db").read_bytes()
    for change, expected in changes.items():
        (folder / "collection.db").write_bytes(original)
        with contextlib.closing(sqlite3.connect(folder / "collection.db", isolation_level=None)) as database:
            database.execute(change)
        with opened(local()) as store:
            findings = store.check()
            assert {finding.what for finding in findings} == expected, change
            assert any("d00" in finding.detail for finding in findings)


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 100, None])
def test_a_file_that_is_no_collection(local: Any, fill: Any, folder: Path, content: bytes | None) -> None:
    fill(local())
    path = folder / "collection.db"
    path.write_bytes(path.read_bytes()[:5000] if content is None else content)

    def use() -> None:
        with opened(local()) as store:
            list(store.documents())
            store.keyword_search("disk", 3)

    with pytest.raises(StoreError, match=r"'notes'.*damaged") as caught:
        use()
    assert "collections check notes" in caught.value.hint


def test_a_collection_of_a_newer_opsvi(local: Any, fill: Any, folder: Path) -> None:
    fill(local())
    with contextlib.closing(sqlite3.connect(folder / "collection.db")) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="newer opsvi"):
        local().open("notes")


def test_a_full_disk_loses_nothing_and_the_next_write_goes_on(
    local: Any, fill: Any, document: Make, folder: Path
) -> None:
    fill(local())
    big = document("big", "words " * 200_000, size=900)
    with opened(local(), write=True) as store:
        (pages,) = store._db.execute("PRAGMA page_count").fetchone()
        store._db.execute(f"PRAGMA max_page_count={pages + 20}")  # SQLite then says what it says on a full disk
        with pytest.raises(StoreError, match="full") as caught:
            store.write([big])
        assert "space" in caught.value.hint
        assert store.count()[0] == 30
        store._db.execute("PRAGMA max_page_count=100000000")
        store.write([big])
        assert store.count()[0] == 31
        assert store.check() == []


def test_an_interrupted_batch_is_rolled_back(local: Any, fill: Any, document: Make, monkeypatch: Any) -> None:
    fill(local())
    from opsvi_cli.builtin.store_local import writing

    def interrupted(_connection: object) -> int:
        raise KeyboardInterrupt

    with opened(local(), write=True) as store:
        with monkeypatch.context() as patch:
            patch.setattr(writing, "new_state", interrupted)
            with pytest.raises(KeyboardInterrupt):
                store.write([document("late", "x")], remove=["d001"])
        assert store.count()[0] == 30
        store.write([document("late", "x")])
        assert store.count()[0] == 31


WRITER = """
    import sys
    import numpy as np
    from opsvi_cli.builtin.store_local.backend import LocalBackend
    from opsvi_cli.sdk import Chunk, CollectionInfo, DocumentRecord, DocumentWrite

    class S:
        data_dir, options = sys.argv[1], {"index_file_rows": 50, "lock_seconds": 20}

    info = CollectionInfo("notes", "local", 8, "e", "c", 0.4, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    start = int(sys.argv[2])
    for batch in range(start, 100_000):
        store = LocalBackend(S()).open("notes", lambda: info, write=True)
        writes = []
        for n in range(10):
            id_ = f"{batch}-{n}"
            text = f"document {id_} about disks " * 5
            chunks = [Chunk(f"{id_}.{c}", id_, text[c * 20 : c * 20 + 20], c * 20, c * 20 + 20, c) for c in range(5)]
            vectors = np.random.default_rng(batch).normal(size=(5, 8)).astype(np.float32)
            meta = {"batch": batch}
            record = DocumentRecord(id_, id_, "", "", "text/plain", "h", "f", len(text), 5, "2026", meta)
            writes.append(DocumentWrite(record, text, chunks, vectors))
        store.write(writes, remove=[f"{batch - 5}-{n}" for n in range(10)])
        sys.stdout.write(f"{batch}\\n")
        sys.stdout.flush()
        if batch % 3 == 0:
            store.close()
        else:
            store._db.close(); store._lock.release()
"""


def test_kill_9_loses_at_most_the_batch_in_flight(local: Any, tmp_path: Path, folder: Path) -> None:
    """Killed at whatever it is doing, several times; what it reported as written is there, whole, and searchable."""
    done = -1
    for acknowledged in (3, 8, 14, 5):
        command = [sys.executable, "-c", textwrap.dedent(WRITER), str(tmp_path / "data"), str(done + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(acknowledged):
                done = int(child.stdout.readline())
            child.send_signal(signal.SIGKILL)
            rest = [int(line) for line in child.stdout.read().split("\n")[:-1]]
        done = rest[-1] if rest else done
        with opened(local(index_file_rows=50)) as store:
            batches = {record.metadata["batch"] for record in store.documents()}
            assert set(range(max(0, done - 4), done + 1)) - {done - 4} <= batches
            assert max(batches) <= done + 1
            assert store.count()[0] == 10 * len(batches)  # no half of a batch
            assert len(store.search(QUERY, 10_000)) == 50 * len(batches)
            assert store.keyword_search(f"{done}", 1)
            assert store.check() == []
            done = max(batches)
    with opened(local(index_file_rows=50), write=True):
        pass
    assert len(index_files(folder)) == 3


def test_a_lost_log_is_seen(local: Any, fill: Any, document: Make, folder: Path) -> None:
    """A file that is older than what was reported as written, as after a log that was cut short."""
    fill(local())
    with opened(local(), write=True) as store:
        older = (folder / "collection.db").read_bytes()
        store.write([document("new", "text")])
        store.write([document("newer", "text")])
    (folder / "collection.db").write_bytes(older)
    with opened(local()) as store:
        assert [(f.what, f.detail[:9]) for f in store.check()] == [("log", "2 changes")]
