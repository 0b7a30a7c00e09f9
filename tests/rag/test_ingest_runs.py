"""Run after run over the same sources: what is added, updated, left alone, removed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.builtin.hash_embedder import HashEmbedder
from opsvi_cli.errors import UsageError
from opsvi_cli.rag import reading, sources
from opsvi_cli.rag.ingest import parse_meta

Ingest = Callable[..., Any]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name in ("alpha", "beta", "gamma"):
        (folder / f"{name}.md").write_text(f"# {name.title()}\n\nThe {name} server is backed up at night.\n")
    return folder


@pytest.fixture
def ingest(opsvi: Any) -> Ingest:
    """Run it with --json; gives the counts that are not zero, and all of it as `.body`."""

    def call(*args: object, code: int = 0, **kwargs: Any) -> Any:
        first = [] if "--embedder" in args else ["--embedder", "hash"]
        done = opsvi("ingest", *args, *first, "--json", **kwargs)
        assert done.code == code, done.err
        return done

    return call


def counts(done: Any) -> dict[str, int]:
    return {status: count for status, count in done.json["counts"].items() if count}


@pytest.fixture
def stored(opsvi: Any) -> Callable[..., dict[str, Any]]:
    """What the collection holds: file name and part to the record."""

    def call(collection: str = "default") -> dict[str, Any]:
        rows = opsvi("collections", "documents", collection, "--json").json
        return {Path(row["source"]).name + (f"!{row['part']}" if row["part"] else ""): row for row in rows}

    return call


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Texts that reached the embedder."""
    seen: list[str] = []
    original = HashEmbedder.embed

    def embed(self: Any, texts: Sequence[str], kind: Any = "document") -> Any:
        seen.extend(texts)
        return original(self, texts, kind)

    monkeypatch.setattr(HashEmbedder, "embed", embed)
    return seen


def test_added_unchanged_updated(ingest: Ingest, docs: Path) -> None:
    first = ingest(docs)
    assert counts(first) == {"added": 3}
    assert first.json["chunks"] == 3
    again = ingest(docs)
    assert counts(again) == {"unchanged": 3}
    assert again.json["chunks"] == 0
    ids = [entry["document_id"] for entry in first.json["documents"]]
    assert [entry["document_id"] for entry in again.json["documents"]] == ids
    (docs / "beta.md").write_text("# Beta\n\nSomething else.\n")
    changed = ingest(docs)
    assert counts(changed) == {"updated": 1, "unchanged": 2}
    assert [entry["document_id"] for entry in changed.json["documents"]] == ids


def test_a_second_run_reads_each_file_once_and_parses_and_embeds_nothing(
    ingest: Ingest, docs: Path, embedded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(docs)
    assert len(embedded) == 3
    embedded.clear()
    opened: list[str] = []
    original = sources.open_regular

    def count(path: str, *, follow: bool) -> Any:
        opened.append(Path(path).name)
        return original(path, follow=follow)

    def refuse(*_args: object) -> Iterator[Any]:
        raise AssertionError("nothing has to be parsed")

    monkeypatch.setattr(sources, "open_regular", count)
    monkeypatch.setattr(reading, "read_many", refuse)
    assert counts(ingest(docs)) == {"unchanged": 3}
    assert opened == ["alpha.md", "beta.md", "gamma.md"]
    assert embedded == []


def test_the_same_text_under_two_paths_is_two_documents_embedded_once(
    ingest: Ingest, docs: Path, embedded: list[str]
) -> None:
    ingest(docs)
    shutil.copy(docs / "alpha.md", docs / "copy.md")
    embedded.clear()
    assert counts(ingest(docs)) == {"added": 1, "unchanged": 3}
    assert embedded == []


def test_touching_a_file_changes_nothing(ingest: Ingest, docs: Path) -> None:
    ingest(docs)
    os.utime(docs / "alpha.md", (1, 1))
    assert counts(ingest(docs)) == {"unchanged": 3}


def test_sync_removes_what_is_gone_and_only_under_the_arguments(
    ingest: Ingest, stored: Any, docs: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/delta.md").write_text("delta text")
    ingest(docs, tmp_path / "other")
    (docs / "alpha.md").unlink()
    (tmp_path / "other/delta.md").unlink()
    assert counts(ingest(docs)) == {"unchanged": 2}
    synced = ingest(docs, "--sync")
    assert counts(synced) == {"unchanged": 2, "removed": 1}
    assert set(stored()) == {"beta.md", "gamma.md", "delta.md"}


def test_sync_takes_no_sibling_with_the_same_beginning(ingest: Ingest, stored: Any, docs: Path, tmp_path: Path) -> None:
    (tmp_path / "docs2").mkdir()
    (tmp_path / "docs2/a.md").write_text("text of a")
    ingest(docs, tmp_path / "docs2")
    shutil.rmtree(tmp_path / "docs2")
    assert counts(ingest(docs, "--sync")) == {"unchanged": 3}
    assert "a.md" in stored()


def test_sync_removes_nothing_when_the_folder_is_missing(ingest: Ingest, stored: Any, docs: Path) -> None:
    ingest(docs)
    docs.rename(docs.with_name("moved"))
    done = ingest(docs, "--sync", code=1)
    assert counts(done) == {"failed": 1}
    assert "nothing was removed" in done.err
    assert len(stored()) == 3


def test_sync_removes_nothing_when_a_folder_cannot_be_listed(
    ingest: Ingest, stored: Any, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docs / "sub").mkdir()
    (docs / "sub/x.md").write_text("text")
    ingest(docs)
    (docs / "alpha.md").unlink()
    original = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("/sub"):
            raise PermissionError(13, "Permission denied", path)
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    done = ingest(docs, "--sync", code=3)
    assert counts(done) == {"unchanged": 2, "failed": 1}
    assert "nothing was removed" in done.err
    assert len(stored()) == 4


def test_sync_of_a_named_file_that_is_gone(ingest: Ingest, docs: Path) -> None:
    ingest(docs / "alpha.md", docs / "beta.md")
    (docs / "alpha.md").unlink()
    assert counts(ingest(docs / "alpha.md", docs / "beta.md", "--sync")) == {"unchanged": 1, "removed": 1}
    assert counts(ingest(docs / "alpha.md", docs / "beta.md", "--sync", code=3)) == {"unchanged": 1, "failed": 1}


def test_sync_follows_ignore_files_but_not_the_globs_of_one_run(ingest: Ingest, docs: Path) -> None:
    ingest(docs)
    assert counts(ingest(docs, "--sync", "--include", "alpha.md")) == {"unchanged": 1}
    assert counts(ingest(docs, "--sync", "--exclude", "alpha.md")) == {"unchanged": 2}
    (docs / ".opsviignore").write_text("beta.md\n")
    assert counts(ingest(docs, "--sync")) == {"unchanged": 2, "removed": 1}


def test_an_emptied_file_leaves_the_collection(ingest: Ingest, stored: Any, docs: Path) -> None:
    ingest(docs)
    (docs / "alpha.md").write_text("\n")
    assert counts(ingest(docs)) == {"unchanged": 2, "removed": 1}
    assert counts(ingest(docs)) == {"unchanged": 2, "skipped": 1}
    assert "alpha.md" not in stored()


def test_the_lines_of_a_jsonl_file_are_replaced_together(ingest: Ingest, stored: Any, tmp_path: Path) -> None:
    file = tmp_path / "lines.jsonl"
    rows = [{"_id": f"d{n}", "text": f"Text number {n}."} for n in range(4)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert counts(ingest(file)) == {"added": 4}
    assert counts(ingest(file)) == {"unchanged": 4}
    rows[1]["text"] = "Another text."
    rows[3] = {"_id": "new", "text": "New."}
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = ingest(file)
    assert counts(done) == {"updated": 3, "added": 1, "removed": 1}
    assert [e["document_id"] for e in done.json["documents"] if e["status"] == "removed"] == ["d3"]


def test_an_id_belongs_to_one_source(ingest: Ingest, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"_id": "same", "text": f"From {name}."}) + "\n")
    args = (tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    assert counts(ingest(*args, code=3)) == {"added": 1, "failed": 1}
    assert counts(ingest(*args, code=3)) == {"unchanged": 1, "failed": 1}
    assert counts(ingest(args[1])) == {"updated": 1}, "named alone, it takes the document over"


def test_metadata_is_typed_stored_and_updated_alone(
    ingest: Ingest, stored: Any, docs: Path, embedded: list[str]
) -> None:
    ingest(docs / "alpha.md", "--meta", "year=2024", "--meta", "team=ops")
    assert stored()["alpha.md"]["metadata"].items() >= {"year": 2024, "team": "ops"}.items()
    embedded.clear()
    assert counts(ingest(docs / "alpha.md", "--meta", "year=2024", "--meta", "team=ops")) == {"unchanged": 1}
    assert counts(ingest(docs / "alpha.md", "--meta", "year=2025", "--meta", "team=ops")) == {"updated": 1}
    assert stored()["alpha.md"]["metadata"]["year"] == 2025
    assert embedded == []


def test_parse_meta() -> None:
    assert parse_meta(["a=1", "b=-2.5", "c=true", "d=false", "e=x=y", "f=007", "g=1e5", "h="]) == {
        "a": 1, "b": -2.5, "c": True, "d": False, "e": "x=y", "f": "007", "g": "1e5", "h": "",
    }  # fmt: skip
    for bad in ("novalue", "=x", "1a=x", "source=x", "a b=1"):
        with pytest.raises(UsageError):
            parse_meta([bad])


def test_a_dry_run_says_it_all_and_touches_nothing(opsvi_process: Any, docs: Path, home: Path) -> None:
    def plan(*args: str) -> dict[str, int]:
        return counts(opsvi_process("ingest", docs, "--embedder", "hash", "--json", *args))

    def files() -> dict[Path, bytes]:
        """All but what SQLite itself leaves beside a database that was read."""
        every = (path for path in home.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in every if not path.name.endswith(("-shm", "-wal"))}

    assert plan("-n") == {"added": 3}
    assert not list(home.rglob("*.db*"))
    assert not list(home.rglob("collections"))
    plan()
    before = files()
    (docs / "alpha.md").write_text("other")
    (docs / "beta.md").unlink()
    (docs / "new.md").write_text("new text")
    assert plan("-n", "--sync") == {"added": 1, "updated": 1, "unchanged": 1, "removed": 1}
    assert files() == before
    assert plan("--sync") == {"added": 1, "updated": 1, "unchanged": 1, "removed": 1}


def test_one_failure_stops_nothing_and_keeps_the_version_before(ingest: Ingest, stored: Any, docs: Path) -> None:
    (docs / "data.pdf").write_bytes(b"%PDF-1.7\nbroken")
    done = ingest(docs, code=3)
    assert counts(done) == {"added": 3, "failed": 1}
    assert json.loads(done.err.splitlines()[-1])["error"]["code"] == "partial"
    done = ingest(docs / "data.pdf", code=1)
    assert counts(done) == {"failed": 1}


def test_a_run_in_which_everything_fails_makes_no_collection(ingest: Ingest, opsvi: Any, tmp_path: Path) -> None:
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7\nbroken")
    ingest(tmp_path / "x.pdf", tmp_path / "nope", code=1)
    assert opsvi("collections", "list", "--json").json == []


def test_formats_nobody_reads_are_skipped_in_folders_and_fail_by_name(ingest: Ingest, docs: Path) -> None:
    (docs / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    assert counts(ingest(docs)) == {"added": 3, "skipped": 1}
    assert counts(ingest(docs / "picture.png", code=1)) == {"failed": 1}


def test_another_embedder_is_refused_and_another_chunker_cuts_anew(ingest: Ingest, opsvi: Any, docs: Path) -> None:
    ingest(docs)
    done = opsvi("ingest", docs, "--embedder", "wordllama")
    assert done.code == 1
    assert "--embedder" in done.err or "-c" in done.err
    (docs / "long.md").write_text("Many words make a text. " * 100)
    ingest(docs)
    cut = ingest(docs, "--chunk-size", "200")
    assert counts(cut) == {"updated": 4}
    assert cut.json["chunks"] > 12


def test_stdin_is_found_again_by_its_name(ingest: Ingest, stored: Any) -> None:
    assert counts(ingest("-", "--name", "note.md", stdin="# Note\n\nPiped.")) == {"added": 1}
    assert counts(ingest("-", "--name", "note.md", stdin="# Note\n\nPiped.")) == {"unchanged": 1}
    assert counts(ingest("-", "--name", "note.md", stdin="# Note\n\nOther.")) == {"updated": 1}
    (row,) = stored().values()
    assert row["source"] == "stdin:note.md"


def test_chunks_carry_offsets_pages_and_headings(ingest: Ingest, opsvi: Any, docs: Path) -> None:
    text = (
        "# Guide\n\n## Restore\n\n"
        + "Stop the service first. " * 60
        + "\n\n## Zebra\n\nThe zebra command ends it."
        + " More of it." * 20
        + "\n"
    )
    (docs / "guide.md").write_text(text)
    ingest(docs)
    hits = opsvi("search", "zebra command", "--json", "--mode", "keyword").json
    assert hits[0]["section"].endswith("Zebra")
    assert text[hits[0]["start"] : hits[0]["end"]] == hits[0]["text"]


def test_an_ingest_is_an_event(ingest: Ingest, docs: Path, home: Path) -> None:
    import sqlite3

    ingest(docs)
    (state,) = home.rglob("state.db")
    with sqlite3.connect(state) as db:
        rows = db.execute("SELECT data FROM events WHERE name = 'ingest.done'").fetchall()
    assert [json.loads(row[0])["added"] for row in rows] == [3]
