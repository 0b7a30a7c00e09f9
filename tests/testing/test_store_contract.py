"""`check_store` bites: open collections, changed in one place for each promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from changed_stores import Backend, Store, changed

from opsvi_cli.sdk import Compare, Finding, Scored, StoreError, matches
from opsvi_cli.testing import check_store


def test_good_ones() -> None:
    check_store(Backend)
    # A store without an index of words or filters of its own keeps the contract as well.
    plain = type("Plain", (Store,), {"capabilities": frozenset(), "keyword_search": None})
    check_store(type("B", (Backend,), {"store": plain}))


def _adds(self: Any, batch: Any, remove: Any = ()) -> None:
    """Keeps the chunks of the version before."""
    old = {item.record.id: item for item in self.inner.scroll()}
    merged = []
    for item in batch:
        before = old.get(item.record.id)
        if before is not None and before.text != item.text:
            text = item.text + before.text
            moved = [
                replace(chunk, start=chunk.start + len(item.text), end=chunk.end + len(item.text))
                for chunk in before.chunks
                if chunk.id not in {new.id for new in item.chunks}
            ]
            kept = before.vectors[
                [place for place, chunk in enumerate(before.chunks) if chunk.id in {m.id for m in moved}]
            ]
            item = replace(item, text=text, chunks=[*item.chunks, *moved], vectors=np.vstack([item.vectors, kept]))
        merged.append(item)
    self.inner.write(merged, remove)


def _first_counts(self: Any, batch: Any, remove: Any = ()) -> None:
    seen: dict[str, Any] = {}
    for item in batch:
        seen.setdefault(item.record.id, item)
    self.inner.write(list(seen.values()), remove)


def _one_by_one(self: Any, batch: Any, remove: Any = ()) -> None:
    for item in batch:
        self.inner.write([item])
    self.inner.write([], remove)


def _removes_first(self: Any, batch: Any, remove: Any = ()) -> None:
    self.inner.write([], remove)
    self.inner.write(batch)


def _never_removes(self: Any, batch: Any, remove: Any = ()) -> None:
    self.inner.write(batch)


def _trusting(self: Any, batch: Any, remove: Any = ()) -> None:
    try:
        self.inner.write(batch, remove)
    except StoreError:
        if self.inner._write:
            return
        raise


def _other_error(self: Any, batch: Any, remove: Any = ()) -> None:
    try:
        self.inner.write(batch, remove)
    except StoreError:
        raise ValueError("bad document") from None


def _anonymous(self: Any, batch: Any, remove: Any = ()) -> None:
    try:
        self.inner.write(batch, remove)
    except StoreError:
        raise StoreError("bad document") from None


def _later(self: Any, batch: Any, remove: Any = ()) -> None:
    """Nothing is kept before the collection is closed."""
    if not self.inner._write:
        self.inner.write(batch, remove)
    self.waiting = [*getattr(self, "waiting", []), (batch, remove)]


def _close(self: Any) -> None:
    for batch, remove in getattr(self, "waiting", []):
        self.inner.write(batch, remove)
    self.waiting = []


def _without_chunks_dropped(self: Any, batch: Any, remove: Any = ()) -> None:
    self.inner.write([item for item in batch if item.chunks], remove)


def _close_once(self: Any) -> None:
    if getattr(self, "closed", False):
        raise StoreError("closed already")
    self.closed = True


def _no_update(self: Any) -> Any:
    return replace(self.inner.info, updated=self.inner.info.created)


def _hits(change: Callable[[list[Scored]], Any]) -> dict[str, Any]:
    """`search` and `keyword_search`, changed."""

    def search(self: Any, vector: Any, k: int, where: Any = None) -> Any:
        return change(self.inner.search(vector, k, where))

    def keyword_search(self: Any, text: str, k: int, where: Any = None) -> Any:
        return change(self.inner.keyword_search(text, k, where))

    return {"search": search, "keyword_search": keyword_search}


def _cut_before_ties(self: Any, vector: Any, k: int, where: Any = None) -> Any:
    """The first k as they were written, put in order afterwards."""
    order = {
        chunk.id: place
        for place, chunk in enumerate(c for item in self.inner._collection.documents.values() for c in item.chunks)
    }
    found = self.inner.search(vector, 10_000, where)
    best = sorted(found, key=lambda hit: (-hit.score, order[hit.chunk_id]))[:k]
    return sorted(best, key=lambda hit: (-hit.score, hit.chunk_id))


def _words_before_ties(self: Any, text: str, k: int, where: Any = None) -> Any:
    found = self.inner.keyword_search(text, 10_000, where)
    return sorted(found, key=lambda hit: (hit.score, hit.chunk_id), reverse=True)[:k]


def _filter_after(self: Any, vector: Any, k: int, where: Any = None) -> Any:
    """Filters the best k instead of all."""
    found = self.inner.search(vector, k)
    allowed = {hit.chunk_id for hit in self.inner.search(vector, 10_000, where)}
    return [hit for hit in found if hit.chunk_id in allowed]


def _dot_of_short(self: Any, vector: Any, k: int, where: Any = None) -> Any:
    padded = np.zeros(8, np.float32)
    padded[: min(8, vector.size)] = vector[:8]
    return self.inner.search(padded if vector.size == 7 else vector, k, where)


def _mute_size(self: Any, vector: Any, k: int, where: Any = None) -> Any:
    if vector.size == 7:
        raise StoreError("that vector does not fit")
    return self.inner.search(vector, k, where)


def _distance(self: Any, vector: Any, k: int, where: Any = None) -> Any:
    return [Scored(hit.chunk_id, 1 - hit.score) for hit in self.inner.search(vector, k, where)]


def _stale_words(self: Any, text: str, k: int, where: Any = None) -> Any:
    return self.inner.keyword_search(text, k, where) or ([Scored("a.0", 1.0)] if "disk" in text and k else [])


def _fts(self: Any, text: str, k: int, where: Any = None) -> Any:
    if '"' in text or "(" in text:
        raise StoreError("syntax error")
    return self.inner.keyword_search(text, k, where)


def _text_only(self: Any, text: str, k: int, where: Any = None) -> Any:
    by_id = {c.id: c.text.lower() for item in self.inner.scroll() for c in item.chunks}
    found = self.inner.keyword_search(text, 1000, where)
    return [hit for hit in found if any(word.lower() in by_id[hit.chunk_id] for word in text.split())][:k]


def _filtering(wrong: Callable[[Any, Any], bool]) -> dict[str, Any]:
    """Every method that filters, with another meaning of filters."""

    def documents(self: Any, where: Any = None) -> Any:
        return (record for record in self.inner.documents() if wrong(where, record.fields()))

    def search(self: Any, vector: Any, k: int, where: Any = None) -> Any:
        allowed = {record.id for record in documents(self, where)}
        found = self.inner.search(vector, 1000)
        return [hit for hit in found if hit.chunk_id.split(".")[0] in allowed][: max(k, 0)]

    return {"documents": documents, "search": search}


def _true_is_one(where: Any, fields: Any) -> bool:
    if isinstance(where, Compare) and where.op == "eq" and where.value is not None:
        return bool(fields.get(where.field) == where.value)
    return matches(where, fields)


def _null_is_never_unequal(where: Any, fields: Any) -> bool:
    if isinstance(where, Compare) and where.op in ("ne", "nin") and fields.get(where.field) is None:
        return False
    return matches(where, fields)


STORES: dict[str, tuple[dict[str, Any], str]] = {
    "capabilities": ({"capabilities": {"keyword"}}, "`capabilities` must be a frozenset of filter, keyword, vectors"),
    "unknown capability": ({"capabilities": frozenset({"keyword", "graph"})}, "`capabilities` must be a frozenset"),
    "count": ({"count": lambda self: self.inner.count()[::-1]}, "`count` must give (documents, chunks); expected (3,"),
    "order": (
        {"documents": lambda self, where=None: sorted(self.inner.documents(where), key=lambda r: r.id)},
        "`documents` must be ordered by source and part; expected ['y', 'w', 'x']",
    ),
    "records": (
        {"documents": lambda self, where=None: (replace(r, metadata={}) for r in self.inner.documents(where))},
        "`documents` must give every record as it was written",
    ),
    "text": (
        {"document_text": lambda self, id_: self.inner.document_text(id_).strip(".")},
        "`document_text` must give the whole text; expected ['The disk",
    ),
    "text of nothing": (
        {"document_text": lambda self, id_: "" if id_ == "zz" else self.inner.document_text(id_)},
        "`document_text` of what is not there must raise NotFoundError; it gave ''",
    ),
    "chunks": (
        {"chunks": lambda self, ids: sorted(self.inner.chunks(ids), key=lambda found: found[0].id)},
        "`chunks` must give chunks in the order asked for, without missing",
    ),
    "moved chunks": (
        {"chunks": lambda self, ids: [(replace(c, start=c.start + 1), r) for c, r in self.inner.chunks(ids)]},
        "a chunk must be the text of its document at its offsets",
    ),
    "check": ({"check": lambda _: [Finding("a", "b")]}, "`check` must find nothing wrong with a sound collection"),
    "updated": ({"info": property(_no_update)}, "a write must set `info.updated` to its time; it is 2026-01-01"),
    "written later": ({"write": _later, "close": _close}, "must be seen by others when it returns; expected 4, got 3"),
    "adds chunks": ({"write": _adds}, "writing a document again must replace its chunks; expected (3, 6)"),
    "the first of two": ({"write": _first_counts}, "of a document that is twice in a batch the last one must count"),
    "one by one": ({"write": _one_by_one}, "a refused batch must leave the collection as it was; expected ['a', 'b'"),
    "removes first": ({"write": _removes_first}, "a refused batch must leave the collection as it was"),
    "never removes": ({"write": _never_removes}, "`write` must also remove what `remove` names"),
    "trusts": ({"write": _trusting}, "vectors of another dimension must be refused with StoreError; it gave None"),
    "another error": ({"write": _other_error}, "a vector that is not finite must be refused with StoreError; it raise"),
    "names no document": ({"write": _anonymous}, "StoreError must name the document; bad document"),
    "drops documents": ({"write": _without_chunks_dropped}, "writing a document without chunks must work"),
    "removes nothing": ({"remove": lambda _self, ids: len(ids)}, "`remove` must give the number of documents that we"),
    "scroll": (
        {"scroll": lambda self: (replace(item, text="") for item in self.inner.scroll())},
        "`scroll` must give everything that was written",
    ),
    "scroll without vectors": (
        {"scroll": lambda self: (replace(item, vectors=item.vectors * 0.5) for item in self.inner.scroll())},
        "`scroll` must give the vectors that were written",
    ),
    "close once": ({"close": _close_once}, "closing a collection twice must work; it raised StoreError"),
    "worst first": (_hits(lambda hits: hits[::-1]), "the nearest chunk to a chunk's own vector must be that chunk"),
    "distance": ({"search": _distance}, "the score of a vector with itself must be 1 (cosine)"),
    "halved": (
        _hits(lambda hits: [Scored(h.chunk_id, (h.score + 1) / 2) for h in hits]),
        "the score of the opposite vector must be -1; it is 8.6",
    ),
    "the best five": (_hits(lambda hits: hits[:5]), "`search` must give all chunks when k is larger"),
    "at least one": (
        {"search": lambda self, vector, k, where=None: self.inner.search(vector, max(k, 1), where)},
        "`search` for 0 chunks must give none",
    ),
    "any size": ({"search": _dot_of_short}, "a query vector of another size must be refused with StoreError; it gave"),
    "mute about size": ({"search": _mute_size}, "StoreError must say how long the vector is; that vector does not"),
    "stale words": ({"keyword_search": _stale_words}, "words of removed documents must not be found"),
    "words of the text only": ({"keyword_search": _text_only}, "words of the title must find every chunk of the docum"),
    "syntax": ({"keyword_search": _fts}, "`keyword_search` for '\"disk' must work; it raised StoreError"),
    "negative scores": (
        {
            "keyword_search": lambda self, text, k, where=None: [
                Scored(h.chunk_id, -h.score) for h in self.inner.keyword_search(text, k, where)
            ]
        },
        "`keyword_search` must give scores above 0, the best first",
    ),
    "cut before ties": ({"search": _cut_before_ties}, "equal scores must be ordered by chunk id, also where the list"),
    "words before ties": ({"keyword_search": _words_before_ties}, "equal scores must be ordered by chunk id, also wh"),
    "filters the best": ({"search": _filter_after}, "equal scores must be ordered by chunk id, also where the list is"),
    "no filter": (
        {"search": lambda self, vector, k, where=None: self.inner.search(vector, k)},
        "`search` with Compare(field='year', op='gte', value=2024) must agree with `sdk.matches`",
    ),
    "no filter of words": (
        {"keyword_search": lambda self, text, k, where=None: self.inner.keyword_search(text, k)},
        "`keyword_search` with Compare(field='year', op='gte', value=2024) must agree with `sdk.matches`",
    ),
    "true is one": (_filtering(_true_is_one), "`documents(Compare(field='flag', op='eq', value=1))` must agree with"),
    "null is not unequal": (
        _filtering(_null_is_never_unequal),
        "`documents(Compare(field='year', op='ne', value=2024))` must agree with `sdk.matches`",
    ),
}


@pytest.mark.parametrize("name", STORES)
def test_wrong_stores(name: str, broken: Callable[..., Any]) -> None:
    methods, words = STORES[name]
    found = broken(check_store, changed(store=type("WrongStore", (Store,), methods)))
    assert any(words in sentence for sentence in found), found


def test_a_suite_cleans_up_and_leaves_other_collections_alone() -> None:
    from opsvi_cli.testing.store_documents import manifest

    made: list[Backend] = []

    def new() -> Backend:
        made.append(Backend())
        return made[-1]

    check_store(new)
    assert [backend.names() for backend in made] == [[] for _ in made]
    shared = Backend()
    shared.open("mine", manifest, write=True)
    with pytest.raises(AssertionError):
        check_store(lambda: shared)
    assert shared.names() == ["mine"]
