"""Collections by name: what can name one, what is refused before anything is written, which store holds it."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import NotFoundError, StoreError, UsageError
from opsvi_cli.rag.collections import (
    CollectionSpec,
    check_collection,
    check_name,
    collection_embedder,
    collection_names,
    create_or_open,
    delete_collection,
    describe_collection,
    find_store,
    list_collections,
    open_collection,
    rename_collection,
    show_collection,
)

HASH = CollectionSpec(embedder="hash")


@pytest.fixture
def app() -> AppContext:
    return AppContext(env=dict(os.environ))


def make(app: AppContext, name: str, spec: CollectionSpec = HASH) -> None:
    create_or_open(app, name, spec).close()


@pytest.mark.parametrize("name", ["a", "notes", "2024-ops_v1.2", "a" * 64])
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".x", "-x", "_x", "A", "a/b", "../x", "a\\b", "a b", "a\n", "é", "a" * 65, "/etc", "a\0"]
)
def test_what_cannot_name_a_collection(app: AppContext, name: str, tmp_path: Path) -> None:
    for act in (check_name, lambda n: create_or_open(app, n, HASH), lambda n: open_collection(app, n)):
        with pytest.raises(UsageError, match="cannot name"):
            act(name)
    make(app, "good")
    with pytest.raises(UsageError, match="cannot name"):
        rename_collection(app, "good", name)
    with pytest.raises(UsageError, match="cannot name"):
        delete_collection(app, name)


def test_nothing_is_made_by_asking(app: AppContext, home: Path) -> None:
    assert list_collections(app) == []
    assert find_store(app, "notes") is None
    with pytest.raises(NotFoundError):
        open_collection(app, "notes")
    assert not (home / "data").exists()


def test_a_typo_is_answered_with_the_nearest_name(app: AppContext) -> None:
    make(app, "runbooks")
    make(app, "mails")
    with pytest.raises(NotFoundError, match="'runbook'") as caught:
        open_collection(app, "runbook")
    assert "did you mean 'runbooks'?" in caught.value.hint
    assert "ingest" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        open_collection(app, "zzz")
    assert "did you mean" not in caught.value.hint


def test_a_collection_remembers_how_it_was_made(app: AppContext) -> None:
    make(app, "notes", CollectionSpec(embedder="hash", embedder_options={"dimension": 64}))
    with contextlib.closing(create_or_open(app, "notes")) as store:
        assert store.info.dimension == 64
        assert collection_embedder(app, store.info).dimension == 64
        assert store.info.settings["chunker"] == app.settings.chunker
    shown = show_collection(app, "notes")
    assert shown["dimension"] == 64
    assert shown["fusion_weight"] == 0.3
    assert shown["documents"] == 0


@pytest.mark.parametrize(
    ("spec", "problem", "hint"),
    [
        (CollectionSpec(embedder="wordllama"), "holds vectors of 'hash'", "--embedder hash"),
        (CollectionSpec(embedder="hash", embedder_options={"dimension": 64}), "128 numbers", "--embedder hash"),
        (CollectionSpec(chunker="sentence"), "was chunked by", "--chunker recursive"),
        (CollectionSpec(store="memory"), "kept by the store 'local'", "--store"),
    ],
)
def test_what_does_not_match_is_refused_before_anything_is_written(
    app: AppContext, home: Path, spec: CollectionSpec, problem: str, hint: str
) -> None:
    make(app, "notes")
    before = (home / "data/collections/notes/collection.db").read_bytes()
    with pytest.raises(StoreError, match=problem) as caught:
        create_or_open(app, "notes", spec)
    assert hint in caught.value.hint
    assert (home / "data/collections/notes/collection.db").read_bytes() == before
    make(app, "notes")  # and it is not left locked


def test_saying_again_what_it_was_made_with_is_fine(app: AppContext) -> None:
    make(app, "notes", CollectionSpec(embedder="hash", embedder_options={"dimension": 64}))
    make(app, "notes", CollectionSpec(embedder="hash", chunker="recursive", store="local"))


def test_an_embedder_that_has_changed_since_is_refused(app: AppContext, monkeypatch: pytest.MonkeyPatch) -> None:
    make(app, "notes")
    from opsvi_cli.builtin import hash_embedder

    def other(self: hash_embedder.HashEmbedder, services: object) -> None:
        self.dimension, self.fingerprint = 128, "hash-2-128"

    monkeypatch.setattr(hash_embedder.HashEmbedder, "__init__", other)
    with pytest.raises(StoreError, match="is now hash-2-128"):
        make(app, "notes", CollectionSpec())


def test_list_is_in_order_and_leaves_out_what_is_broken(app: AppContext, home: Path) -> None:
    for name in ("b", "a", "c"):
        make(app, name)
    (home / "data/collections/b/collection.db").write_bytes(b"broken" * 1000)
    (home / "data/collections/notes.txt").write_text("not a collection")
    found = list_collections(app)
    assert [item.name for item in found] == ["a", "c"]
    assert found[0].bytes
    assert found[0].bytes > 1000
    assert collection_names(app) == ["a", "b", "c"]


def test_a_damaged_collection_can_be_checked_and_deleted(app: AppContext, home: Path) -> None:
    make(app, "b")
    (home / "data/collections/b/collection.db").write_bytes(b"broken" * 1000)
    (finding,) = check_collection(app, "b")
    assert "damaged" in finding.detail
    assert "damaged" in describe_collection(app, "b")
    delete_collection(app, "b")
    assert collection_names(app) == []
    with pytest.raises(NotFoundError):
        check_collection(app, "b")


def test_other_stores_are_found_by_the_catalogue(app: AppContext, home: Path) -> None:
    make(app, "quick", CollectionSpec(embedder="hash", store="memory"))
    make(app, "kept")
    assert json.loads((home / "data/collections/catalogue.json").read_text()) == {"quick": "memory"}
    assert find_store(app, "quick") == "memory"
    assert [(item.name, item.store, item.bytes is None) for item in list_collections(app)] == [
        ("kept", "local", False),
        ("quick", "memory", True),
    ]
    rename_collection(app, "quick", "fast")
    assert find_store(app, "fast") == "memory"
    delete_collection(app, "fast")
    assert json.loads((home / "data/collections/catalogue.json").read_text()) == {}


@pytest.mark.parametrize("content", ["{", "[]", '{"x": 1, "../y": "memory", "gone": "memory", "odd": "nope"}'])
def test_the_catalogue_is_only_a_hint(app: AppContext, home: Path, content: str) -> None:
    make(app, "kept")
    (home / "data/collections/catalogue.json").write_text(content)
    assert collection_names(app) == ["kept"]
    assert find_store(app, "gone") is None
    with contextlib.closing(open_collection(app, "kept")) as store:
        assert store.count() == (0, 0)


def test_rename_to_a_name_that_is_taken(app: AppContext) -> None:
    make(app, "a")
    make(app, "b")
    with pytest.raises(UsageError, match="already a collection 'b'"):
        rename_collection(app, "a", "b")
    rename_collection(app, "a", "c")
    assert collection_names(app) == ["b", "c"]
