"""The contract of `sdk.StoreBackend` and `sdk.Store`: collections, writing and reading. Searching: `store_search`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from opsvi_cli.sdk import CollectionInfo, NotFoundError, Store, StoreBackend, StoreError, UsageError

from .contract import Contract, show
from .store_documents import (
    NOTES,
    OTHER,
    PAPERS,
    document,
    fill,
    first_axis,
    manifest,
    opened,
    three_documents,
)
from .store_search import SEARCH_CASES

CAPABILITIES = frozenset({"keyword", "filter", "vectors"})
Case: TypeAlias = Callable[[Contract, StoreBackend], None]


def check_store(new_backend: Callable[[], StoreBackend]) -> None:
    """Hold a store to its contract: collections, commits, reading back, filters, search, integrity, refusals.

    `new_backend` gives a backend without collections at each call. Only collections called `contract-...` are made,
    and removed again. Raises ContractError.
    """
    with Contract(new_backend()) as contract:
        for doing, case in (*CASES, *SEARCH_CASES):
            with contract.attempt(doing), _clean(new_backend()) as backend:
                case(contract, backend)
        with (
            contract.attempt("copying a collection with `scroll`"),
            _clean(new_backend()) as one,
            _clean(new_backend()) as two,
        ):
            _scroll(contract, one, two)


@contextlib.contextmanager
def _clean(backend: StoreBackend) -> Iterator[StoreBackend]:
    """A backend whose collections of this suite are removed afterwards, whatever happened."""
    try:
        yield backend
    finally:
        for name in (NOTES, PAPERS, OTHER):
            with contextlib.suppress(Exception):
                backend.delete(name)


def _nothing_there(contract: Contract, backend: StoreBackend) -> None:
    contract.equal(list(backend.names()), [], "a new backend must have no collections")
    for write in (False, True):
        error = contract.refused(
            lambda write=write: backend.open(NOTES, write=write),  # type: ignore[misc]
            NotFoundError,
            "opening a collection that is not there must raise NotFoundError",
        )
        contract.expect(error is None or NOTES in str(error), "NotFoundError must name the collection", str(error))
    contract.equal(list(backend.names()), [], "opening a collection in vain must leave none behind")


def _read_back(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend) as store:
        capabilities = store.capabilities
        contract.expect(
            isinstance(capabilities, frozenset) and capabilities <= CAPABILITIES,
            f"`capabilities` must be a frozenset of {', '.join(sorted(CAPABILITIES))}",
            f"it is {show(capabilities)}",
        )
        contract.equal(tuple(store.count()), (3, 8), "`count` must give (documents, chunks)")
        records = list(store.documents())
        wanted = three_documents()
        contract.equal(
            records, [item.record for item in wanted], "`documents` must give every record as it was written"
        )
        texts = [store.document_text(item.record.id) for item in wanted]
        contract.equal(texts, [item.text for item in wanted], "`document_text` must give the whole text")
        contract.equal(list(store.check()), [], "`check` must find nothing wrong with a sound collection")
        last = wanted[2]
        found = [chunk for chunk, _record in store.chunks(["c.1", "missing", "c.0"])]
        contract.equal(
            found, [last.chunks[1], last.chunks[0]], "`chunks` must give chunks in the order asked for, without missing"
        )
        for chunk, record in store.chunks(["a.0", "b.1"]):
            text = store.document_text(record.id)[chunk.start : chunk.end]
            contract.equal(text, chunk.text, "a chunk must be the text of its document at its offsets")
        contract.equal([chunk.id for chunk, _ in store.chunks([])], [], "`chunks` of no id must give none")


def _ordered(contract: Contract, backend: StoreBackend) -> None:
    with opened(backend, create=manifest, write=True) as store:
        store.write(
            [
                document("x", "one", source="/z"),
                document("w", "two", source="/a", part="line:2"),
                document("y", "three", source="/a", part="line:1"),
            ]
        )
        ids = [record.id for record in store.documents()]
        contract.equal(ids, ["y", "w", "x"], "`documents` must be ordered by source and part")


def _manifest(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend) as store:
        contract.equal(
            replace(store.info, updated=""), replace(manifest(), updated=""), "`info` must be what `create` gave"
        )
        contract.expect(
            store.info.updated > manifest().updated,
            "a write must set `info.updated` to its time",
            f"it is {store.info.updated}",
        )

    def create() -> CollectionInfo:
        called.append(True)
        return manifest()

    called: list[bool] = []
    with opened(backend, create=create, write=True) as store:
        contract.equal(store.count()[0], 3, "opening a collection to write must keep what is in it")
    contract.expect(not called, "`create` must not be called for a collection that exists", "it was called")


def _durable(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend, write=True) as store:
        store.write([document("d", "later")])
        with opened(backend) as reader:
            contract.equal(reader.count()[0], 4, "what `write` has written must be seen by others when it returns")


def _replaced(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend, write=True) as store:
        store.write([document("a", "Short.")])
        contract.equal(tuple(store.count()), (3, 6), "writing a document again must replace its chunks")
        contract.equal(store.document_text("a"), "Short.", "writing a document again must replace its text")
        contract.equal(store.chunks(["a.1"]), [], "chunks of the version before must be gone")
        if "keyword" in store.capabilities:
            contract.equal(store.keyword_search("volume", 5), [], "words of the version before must not be found")
        found = [hit.chunk_id for hit in store.search(first_axis(), 50)]
        contract.equal(len(found), 6, "vectors of the version before must not be found")
        contract.equal(list(store.check()), [], "`check` must find nothing wrong after a document was replaced")


def _twice(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend, write=True) as store:
        store.write([document("d", "first words"), document("d", "other words")])
        promise = "of a document that is twice in a batch the last one must count"
        contract.equal(store.document_text("d"), "other words", promise)
        contract.equal(tuple(store.count()), (4, 9), promise)
        if "keyword" in store.capabilities:
            contract.equal(store.keyword_search("first", 5), [], promise)


def _removed(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend, write=True) as store:
        contract.equal(store.remove(["a", "nobody"]), 1, "`remove` must give the number of documents that went")
        contract.equal(store.remove(["a"]), 0, "`remove` of what is not there must be fine")
        ids = [record.id for record in store.documents()]
        contract.equal(ids, ["b", "c"], "removed documents must be gone")
        contract.equal(store.chunks(["a.0"]), [], "chunks of removed documents must be gone")
        if "keyword" in store.capabilities:
            contract.equal(store.keyword_search("disk", 5), [], "words of removed documents must not be found")
        near = [hit.chunk_id for hit in store.search(first_axis(), 10) if hit.chunk_id.startswith("a")]
        contract.equal(near, [], "vectors of removed documents must not be found")
        contract.equal(list(store.check()), [], "`check` must find nothing wrong after a document was removed")


def _one_commit(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend, write=True) as store:
        store.write([document("d", "new")], remove=["a", "b"])
        ids = [record.id for record in store.documents()]
        contract.equal(ids, ["c", "d"], "`write` must also remove what `remove` names")


def _bad_batches(contract: Contract, backend: StoreBackend) -> None:
    import numpy as np

    fill(backend)
    good, other = document("d", "good"), document("e", "bad")
    nan = np.full((1, 8), np.nan, dtype=np.float32)
    bad = {
        "vectors of another dimension": replace(other, vectors=other.vectors[:, :4]),
        "a vector that is not finite": replace(other, vectors=nan),
        "a chunk that is not the text at its offsets": replace(other, text="not the text of the chunk"),
    }
    with opened(backend, write=True) as store:
        for what, item in bad.items():
            error = contract.refused(
                lambda item=item: store.write([good, item], remove=["a"]),  # type: ignore[misc]
                StoreError,
                f"a document with {what} must be refused with StoreError",
            )
            contract.expect(error is None or "'e'" in str(error), "StoreError must name the document", str(error))
        twin = document("d", "twin")
        contract.refused(
            lambda: store.write([replace(twin, chunks=[replace(twin.chunks[0], id="a.0")])]),
            StoreError,
            "a chunk with the id of another document's chunk must be refused with StoreError",
        )
        ids = [record.id for record in store.documents()]
        contract.equal(ids, ["a", "b", "c"], "a refused batch must leave the collection as it was")
        contract.equal(tuple(store.count()), (3, 8), "a refused batch must leave the collection as it was")


def _reading_only(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend) as store:
        promise = "a collection opened for reading must refuse to change with StoreError"
        contract.refused(lambda: store.write([document("d", "x")]), StoreError, promise)
        contract.refused(lambda: store.remove(["a"]), StoreError, promise)
        contract.equal(store.count()[0], 3, promise)


def _missing_document(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend) as store:
        error = contract.refused(
            lambda: store.document_text("zz"),
            NotFoundError,
            "`document_text` of what is not there must raise NotFoundError",
        )
        contract.expect(error is None or "'zz'" in str(error), "NotFoundError must name the document", str(error))


def _without_chunks(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend, write=True) as store:
        store.write([document("empty", "")])
        promise = "a document without chunks must be kept"
        contract.equal(store.document_text("empty"), "", promise)
        contract.equal(tuple(store.count()), (4, 8), promise)
        contract.equal(list(store.check()), [], "`check` must find nothing wrong with a document without chunks")


def _empty(contract: Contract, backend: StoreBackend) -> None:
    with opened(backend, create=manifest, write=True) as store:
        promise = "an empty collection must answer with nothing"
        contract.equal(tuple(store.count()), (0, 0), promise)
        contract.equal(store.search(first_axis(), 5), [], promise)
        if "keyword" in store.capabilities:
            contract.equal(store.keyword_search("anything", 5), [], promise)
        contract.equal(list(store.documents()), [], promise)
        contract.equal(list(store.scroll()), [], promise)
        contract.equal(list(store.check()), [], promise)
    contract.equal(list(backend.names()), [NOTES], "`names` must name a collection as soon as it is made")


def _renamed(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    backend.rename(NOTES, PAPERS)
    contract.equal(list(backend.names()), [PAPERS], "`rename` must give a collection its new name alone")
    with opened(backend, PAPERS) as store:
        contract.equal(store.info.name, PAPERS, "`info` must have the new name")
        contract.equal(tuple(store.count()), (3, 8), "`rename` must keep what is in a collection")
    with opened(backend, OTHER, create=manifest, write=True) as store:
        contract.equal(store.info.name, OTHER, "`info` must have the name that a collection was opened with")
    contract.equal(sorted(backend.names()), [OTHER, PAPERS], "`names` must name every collection")
    error = contract.refused(
        lambda: backend.rename(PAPERS, OTHER), UsageError, "`rename` to a name that is taken must raise UsageError"
    )
    contract.expect(error is None or OTHER in str(error), "UsageError must name the collection", str(error))


def _deleted(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    backend.delete(NOTES)
    contract.equal(list(backend.names()), [], "`delete` must remove a collection")
    missing = "`delete` and `rename` of what is not there must raise NotFoundError"
    contract.refused(lambda: backend.delete(NOTES), NotFoundError, missing)
    contract.refused(lambda: backend.rename(NOTES, PAPERS), NotFoundError, missing)
    with opened(backend, create=lambda: manifest(dimension=3), write=True) as store:
        promise = "a collection that was deleted must be new when it is made again"
        contract.equal(store.info.dimension, 3, promise)
        contract.equal(tuple(store.count()), (0, 0), promise)


def _scroll(contract: Contract, one: StoreBackend, two: StoreBackend) -> None:
    import numpy as np

    items = [document("a", "one two three four five six", metadata={"n": 1}), document("b", "seven")]
    with opened(one, create=manifest, write=True) as store, opened(two, create=manifest, write=True) as copy:
        store.write(items)
        first = list(store.scroll())
        contract.equal(
            [(item.record, item.text, list(item.chunks)) for item in first],
            [(item.record, item.text, list(item.chunks)) for item in items],
            "`scroll` must give everything that was written",
        )
        copy.write(first)
        second = list(copy.scroll())
        contract.equal(
            [(item.record, item.text, list(item.chunks)) for item in second],
            [(item.record, item.text, list(item.chunks)) for item in first],
            "what `scroll` gives must be the same in a copy made of it",
        )
        for item, other, given in zip(first, second, items, strict=False):
            near = np.shape(item.vectors) == np.shape(given.vectors) and np.allclose(
                item.vectors, given.vectors, atol=1e-3
            )
            contract.expect(bool(near), "`scroll` must give the vectors that were written", "it gave others")
            contract.expect(
                bool(np.array_equal(item.vectors, other.vectors)),
                "the vectors of a copy must be those of its original, to the bit",
                "they differ",
            )


def _closing(contract: Contract, backend: StoreBackend) -> None:
    store: Store = backend.open(NOTES, manifest, write=True)
    store.close()
    with contract.attempt("closing a collection twice"):
        store.close()
    with contract.attempt("opening a collection to write after it was closed"), opened(backend, write=True):
        pass


CASES: tuple[tuple[str, Case], ...] = (
    ("looking for collections where there are none", _nothing_there),
    ("writing and reading back", _read_back),
    ("listing documents", _ordered),
    ("opening a collection again", _manifest),
    ("reading while another writes", _durable),
    ("writing a document again", _replaced),
    ("writing a document twice in a batch", _twice),
    ("removing documents", _removed),
    ("writing and removing at once", _one_commit),
    ("refusing bad documents", _bad_batches),
    ("opening a collection to read", _reading_only),
    ("asking for a document that is not there", _missing_document),
    ("writing a document without chunks", _without_chunks),
    ("using an empty collection", _empty),
    ("renaming a collection", _renamed),
    ("deleting a collection", _deleted),
    ("closing a collection", _closing),
)
