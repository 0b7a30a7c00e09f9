"""Every built-in store keeps the contract, and two properties of it hold for any data."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
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
    Not,
    OpsviError,
    Or,
    Store,
    StoreBackend,
    StoreError,
    matches,
)
from opsvi_cli.testing import check_store
from opsvi_cli.testing.store_documents import opened

Make = Callable[..., DocumentWrite]
Manifest = Callable[..., CollectionInfo]
SLOW_FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def test_contract(new_backend: Callable[[str], StoreBackend]) -> None:
    places = itertools.count()
    check_store(lambda: new_backend(f"place-{next(places)}"))


def test_a_reader_is_told_that_it_reads_only(
    new_backend: Callable[[str], StoreBackend], manifest: Manifest, document: Make
) -> None:
    backend = new_backend("one")
    backend.open("notes", manifest, write=True).close()
    with opened(backend, "notes") as store:
        for act in (lambda: store.write([document("d", "x")]), lambda: store.remove(["a"])):
            with pytest.raises(StoreError, match="reading only"):
                act()


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
    with opened(backend, "notes", create=manifest, write=True) as store:
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
    with opened(backend, "notes") as reader:
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
