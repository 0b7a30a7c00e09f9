"""What every store promises (`sdk.Store`, `sdk.StoreBackend`), whichever engine keeps the collection.

Needs only the fixtures `backend`, `new_backend`, `manifest` and `document`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsvi_cli.sdk import (
    And,
    CollectionInfo,
    Compare,
    DocumentWrite,
    Filter,
    Not,
    NotFoundError,
    OpsviError,
    Or,
    Store,
    StoreBackend,
    StoreError,
    UsageError,
    matches,
)

Make = Callable[..., DocumentWrite]
Manifest = Callable[..., CollectionInfo]
SLOW_FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@contextlib.contextmanager
def opened(backend: StoreBackend, name: str = "notes", **options: Any) -> Iterator[Store]:
    with contextlib.closing(backend.open(name, **options)) as store:
        yield store


@pytest.fixture
def filled(backend: StoreBackend, manifest: Manifest, document: Make) -> StoreBackend:
    with opened(backend, create=manifest, write=True) as store:
        store.write(
            [
                document(
                    "a", "The disk is full. Free some space on the volume.", metadata={"year": 2024, "team": "ops"}
                ),
                document("b", "Backups run every night at two.", title="Backup policy", metadata={"year": 2023}),
                document("c", "Call the person on duty, then write the report.", section=("Duty", "Calls")),
            ]
        )
    return backend


def test_a_missing_collection_is_not_found(backend: StoreBackend) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        backend.open("nothing")
    with pytest.raises(NotFoundError, match="nothing"):
        backend.open("nothing", write=True)
    assert backend.names() == []


def test_what_was_written_is_read_back(filled: StoreBackend, document: Make) -> None:
    with opened(filled) as store:
        assert store.count() == (3, 8)
        assert [record.id for record in store.documents()] == ["a", "b", "c"]
        assert next(store.documents()).metadata == {"year": 2024, "team": "ops"}
        assert store.document_text("b") == "Backups run every night at two."
        assert store.check() == []
        wanted = document("c", "Call the person on duty, then write the report.", section=("Duty", "Calls"))
        assert [chunk for chunk, _record in store.chunks(["c.1", "c.0"])] == [wanted.chunks[1], wanted.chunks[0]]
        for chunk, record in store.chunks(["a.0", "b.1"]):
            assert store.document_text(record.id)[chunk.start : chunk.end] == chunk.text


def test_the_manifest_is_kept(filled: StoreBackend, manifest: Manifest) -> None:
    with opened(filled) as store:
        assert replace(store.info, updated="") == replace(manifest(), updated="")
        assert store.info.updated > manifest().updated


def test_create_is_not_called_for_a_collection_that_exists(filled: StoreBackend) -> None:
    def create() -> CollectionInfo:
        raise AssertionError("it exists")

    with opened(filled, create=create, write=True) as store:
        assert store.count()[0] == 3


def test_writing_again_replaces(filled: StoreBackend, document: Make) -> None:
    with opened(filled, write=True) as store:
        store.write([document("a", "Short.")])
        assert store.count() == (3, 6)
        assert store.document_text("a") == "Short."
        assert store.chunks(["a.1"]) == []
        assert store.keyword_search("volume", 5) == []
        assert store.check() == []


def test_a_batch_may_hold_a_document_twice_and_the_last_one_counts(filled: StoreBackend, document: Make) -> None:
    with opened(filled, write=True) as store:
        store.write([document("d", "first words"), document("d", "other words")])
        assert store.document_text("d") == "other words"
        assert store.keyword_search("first", 5) == []


def test_removing(filled: StoreBackend) -> None:
    with opened(filled, write=True) as store:
        assert store.remove(["a", "nobody"]) == 1
        assert store.remove(["a"]) == 0
        assert [record.id for record in store.documents()] == ["b", "c"]
        assert store.keyword_search("disk", 5) == []
        assert not any(hit.chunk_id.startswith("a") for hit in store.search(np.eye(8, dtype=np.float32)[0], 10))
        assert store.check() == []


def test_write_and_remove_in_one_commit(filled: StoreBackend, document: Make) -> None:
    with opened(filled, write=True) as store:
        store.write([document("d", "new")], remove=["a", "b"])
        assert [record.id for record in store.documents()] == ["c", "d"]


def test_a_bad_document_leaves_the_whole_batch_out(filled: StoreBackend, document: Make) -> None:
    good, other = document("d", "good"), document("e", "bad")
    nan = np.full((1, 8), np.nan, dtype=np.float32)
    bad = [
        replace(other, vectors=other.vectors[:, :4]),
        replace(other, vectors=nan),
        replace(other, text="not the text of the chunk"),
    ]
    with opened(filled, write=True) as store:
        for item in bad:
            with pytest.raises(StoreError, match="'e'"):
                store.write([good, item], remove=["a"])
        assert [record.id for record in store.documents()] == ["a", "b", "c"]


def test_two_documents_with_a_chunk_id_in_common_are_refused(filled: StoreBackend, document: Make) -> None:
    item = document("d", "twin")
    twin = replace(item, chunks=[replace(item.chunks[0], id="a.0")])
    with opened(filled, write=True) as store:
        with pytest.raises(StoreError):
            store.write([twin])
        assert store.count() == (3, 8)


def test_a_reader_cannot_write(filled: StoreBackend, document: Make) -> None:
    with opened(filled) as store:
        with pytest.raises(StoreError, match="reading only"):
            store.write([document("d", "x")])
        with pytest.raises(StoreError, match="reading only"):
            store.remove(["a"])


def test_a_document_that_is_not_there(filled: StoreBackend) -> None:
    with opened(filled) as store, pytest.raises(NotFoundError, match="'zz'"):
        store.document_text("zz")


def test_a_document_without_chunks(filled: StoreBackend, document: Make) -> None:
    with opened(filled, write=True) as store:
        store.write([document("empty", "")])
        assert store.document_text("empty") == ""
        assert store.count() == (4, 8)
        assert store.check() == []


def test_an_empty_collection(backend: StoreBackend, manifest: Manifest) -> None:
    with opened(backend, create=manifest, write=True) as store:
        assert store.count() == (0, 0)
        assert store.search(np.eye(8, dtype=np.float32)[0], 5) == []
        assert store.keyword_search("anything", 5) == []
        assert list(store.documents()) == []
        assert list(store.scroll()) == []
        assert store.check() == []


def test_a_vector_of_another_size_is_refused(filled: StoreBackend) -> None:
    with opened(filled) as store, pytest.raises(StoreError, match="7 numbers"):
        store.search(np.zeros(7, dtype=np.float32), 5)


def test_words_are_found_by_title_heading_and_text(filled: StoreBackend) -> None:
    with opened(filled) as store:
        assert store.keyword_search("disk", 5)[0].chunk_id == "a.0"
        assert {hit.chunk_id for hit in store.keyword_search("policy", 5)} == {"b.0", "b.1"}
        assert {hit.chunk_id for hit in store.keyword_search("Calls", 5)} >= {"c.1", "c.2"}
        assert store.keyword_search("nowhere", 5) == []
        assert store.keyword_search("", 5) == []
        assert store.keyword_search("disk", 0) == []


def test_ties_are_ordered_by_chunk_id_also_at_the_cut(
    backend: StoreBackend, manifest: Manifest, document: Make
) -> None:
    same = "equal words here"
    with opened(backend, create=manifest, write=True) as store:
        # written in another order than that of the ids
        store.write([document(f"d{n}", same) for n in (7, 3, 9, 1, 5, 0, 8, 2, 6, 4)])
        vector = document("x", same).vectors[0]
        expected = [f"d{n}.0" for n in range(3)]
        assert [hit.chunk_id for hit in store.keyword_search("equal", 3)] == expected
        assert [hit.chunk_id for hit in store.search(vector, 3)] == expected
        some = Compare("document_id", "in", ["d9", "d4", "d6", "d8"])
        assert [hit.chunk_id for hit in store.keyword_search("equal", 2, some)] == ["d4.0", "d6.0"]
        assert [hit.chunk_id for hit in store.search(vector, 2, some)] == ["d4.0", "d6.0"]


def test_cosine_of_a_vector_with_itself_is_one(filled: StoreBackend, document: Make) -> None:
    vector = document("b", "Backups run every night at two.").vectors[0]
    with opened(filled) as store:
        best, second = store.search(vector, 2)
        assert best.chunk_id == "b.0"
        assert best.score == pytest.approx(1, abs=2e-3)
        assert -1 <= second.score < best.score


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Compare("year", "gte", 2024), {"a"}),
        (Compare("year", "ne", 2024), {"b", "c"}),
        (Not(Compare("year", "exists", True)), {"c"}),
        (Compare("title", "eq", "Backup policy"), {"b"}),
        (Compare("source", "glob", "*/[ab].txt"), {"a", "b"}),
        (Or((Compare("team", "eq", "ops"), Compare("document_id", "eq", "c"))), {"a", "c"}),
        (And(()), {"a", "b", "c"}),
        (Or(()), set()),
    ],
)
def test_filters_bind_every_kind_of_search(filled: StoreBackend, where: Filter, expected: set[str]) -> None:
    with opened(filled) as store:
        assert {record.id for record in store.documents(where)} == expected
        by_vector = store.search(np.eye(8, dtype=np.float32)[0], 50, where)
        assert {hit.chunk_id.split(".")[0] for hit in by_vector} == expected
        by_word = store.keyword_search("disk backups duty person volume night", 50, where)
        assert {hit.chunk_id.split(".")[0] for hit in by_word} == expected


def test_scroll_gives_back_everything(new_backend: Any, manifest: Manifest, document: Make) -> None:
    items = [document("a", "one two three four five six", metadata={"n": 1}), document("b", "seven")]
    with (
        opened(new_backend("one"), create=manifest, write=True) as store,
        opened(new_backend("two"), create=manifest, write=True) as copy,
    ):
        store.write(items)
        copy.write(list(store.scroll()))
        first, second = list(store.scroll()), list(copy.scroll())
        assert [(i.record, i.text, list(i.chunks)) for i in first] == [
            (i.record, i.text, list(i.chunks)) for i in second
        ]
        for item, other, given in zip(first, second, items, strict=True):
            assert np.array_equal(item.vectors, other.vectors)
            assert np.allclose(item.vectors, given.vectors, atol=1e-3)


def test_delete_and_rename(filled: StoreBackend, manifest: Manifest) -> None:
    filled.rename("notes", "papers")
    assert filled.names() == ["papers"]
    with opened(filled, "papers") as store:
        assert store.info.name == "papers"
        assert store.count() == (3, 8)
    with opened(filled, "other", create=manifest, write=True) as store:
        assert store.info.name == "other"
    with pytest.raises(UsageError, match="other"):
        filled.rename("papers", "other")
    filled.delete("papers")
    assert filled.names() == ["other"]
    for act in (lambda: filled.delete("papers"), lambda: filled.rename("papers", "x")):
        with pytest.raises(NotFoundError):
            act()


def test_a_deleted_collection_can_be_made_anew(filled: StoreBackend, manifest: Manifest) -> None:
    filled.delete("notes")
    with opened(filled, create=lambda: manifest(dimension=3), write=True) as store:
        assert store.info.dimension == 3
        assert store.count() == (0, 0)


# Values that JSON can hold, with the pairs that engines confuse: 1 and true, 1 and 1.0, null and missing, "1" and 1.
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2, 2**53 + 1, 2**70, 0.1 + 0.2, 0.3, 1.0, 1.5, 1e300, -0.0]),
    st.sampled_from(
        ["", "a", "A", "ab", "a*", "é", "É", "1", "true", "null", "[a]", 'q"uote', "back\\slash", "日本", "\U0001f600"]
    ),
)
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.sampled_from(["a", "b"]), SCALARS, max_size=2)
)
NAMES = st.sampled_from(
    ["year", "a.b", "with space", 'q"', "x'y", "ü", "title", "media_type", "source", "document_id", "$", ""]
)
LEAVES = st.one_of(
    st.builds(Compare, NAMES, st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"]), VALUES),
    st.builds(Compare, NAMES, st.sampled_from(["in", "nin"]), st.lists(VALUES, max_size=4)),
    st.builds(Compare, NAMES, st.just("exists"), st.booleans()),
    st.builds(Compare, NAMES, st.just("contains"), SCALARS),
    st.builds(
        Compare, NAMES, st.just("glob"), st.sampled_from(["*", "a*", "?", "[ab]", "[!a]*", "*/d?.txt", "", "**"])
    ),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda parts: And(tuple(parts)), st.lists(inner, max_size=3)),
        st.builds(lambda parts: Or(tuple(parts)), st.lists(inner, max_size=3)),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW_FIXTURES)
@given(data=st.data())
def test_filters_mean_what_matches_says(
    new_backend: Any, manifest: Manifest, document: Make, data: st.DataObject
) -> None:
    backend = new_backend("filters")
    records = data.draw(st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=5))
    with opened(backend, create=manifest, write=True) as store:
        store.write([], remove=[record.id for record in store.documents()])
        store.write([document(f"d{n}", f"text {n}", metadata=values) for n, values in enumerate(records)])
        kept = list(store.documents())
        for where in data.draw(st.lists(FILTERS, min_size=1, max_size=5)):
            expected = [record.id for record in kept if matches(where, record.fields())]
            assert [record.id for record in store.documents(where)] == expected
            opposite = [record.id for record in kept if record.id not in expected]
            assert [record.id for record in store.documents(Not(where))] == opposite


@settings(max_examples=25, deadline=None, suppress_health_check=SLOW_FIXTURES)
@given(data=st.data())
def test_any_history_ends_like_a_dictionary(
    new_backend: Any, manifest: Manifest, document: Make, data: st.DataObject
) -> None:
    """Writes, removals and reopenings in any order; search agrees with comparing every vector."""
    backend = new_backend("history")
    with contextlib.suppress(OpsviError):
        backend.delete("notes")
    model: dict[str, DocumentWrite] = {}
    store = backend.open("notes", manifest, write=True)
    try:
        for _ in range(data.draw(st.integers(1, 6))):
            act = data.draw(st.sampled_from(["write", "remove", "reopen"]))
            ids = data.draw(st.lists(st.sampled_from("abcdef"), max_size=4, unique=True))
            if act == "write":
                texts = data.draw(st.lists(st.text(min_size=0, max_size=70), min_size=len(ids), max_size=len(ids)))
                batch = [document(id_, text.replace("\0", " ")) for id_, text in zip(ids, texts, strict=True)]
                store.write(batch)
                model.update({item.record.id: item for item in batch})
            elif act == "remove":
                assert store.remove(ids) == len(set(ids) & model.keys())
                model = {id_: item for id_, item in model.items() if id_ not in ids}
            else:
                store.close()
                store = backend.open("notes", write=True)
            _agrees(store, model)
        assert store.check() == []
    finally:
        store.close()
    with opened(backend) as reader:
        _agrees(reader, model)


def _agrees(store: Store, model: dict[str, DocumentWrite]) -> None:
    assert [record.id for record in store.documents()] == sorted(model)
    assert store.count() == (len(model), sum(len(item.chunks) for item in model.values()))
    query = np.arange(1, 9, dtype=np.float32) / np.linalg.norm(np.arange(1, 9))
    for where in (None, Compare("document_id", "in", ["a", "c", "e"])):
        exact = {
            chunk.id: float(row.astype(np.float16).astype(np.float32) @ query)
            for item in model.values()
            if matches(where, item.record.fields())
            for chunk, row in zip(item.chunks, item.vectors, strict=True)
        }
        found = store.search(query, 4, where)
        assert [hit.score for hit in found] == pytest.approx(sorted(exact.values(), reverse=True)[:4], abs=1e-4)
        for hit in found:
            assert hit.score == pytest.approx(exact[hit.chunk_id], abs=1e-4)
