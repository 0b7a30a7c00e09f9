"""The contract of `sdk.Store`, second half: search by vector and by words, filters, ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opsvi_cli.sdk import And, Compare, Filter, Not, Or, StoreBackend, StoreError, matches

from .contract import Contract, show
from .store_documents import document, fill, first_axis, manifest, opened

_WORDS = "disk backups duty person volume night"

FILTERS: tuple[Filter, ...] = (
    Compare("year", "gte", 2024),
    Compare("year", "gt", 2023),
    Compare("year", "lte", 2023),
    Compare("year", "lt", "2024"),
    Compare("year", "eq", 2024),
    Compare("year", "eq", "2024"),
    Compare("year", "eq", True),
    Compare("year", "ne", 2024),
    Compare("year", "in", [2023, 2025]),
    Compare("year", "nin", [2023, 2025]),
    Compare("year", "in", []),
    Compare("year", "exists", True),
    Compare("year", "exists", False),
    Compare("year", "eq", None),
    Compare("nothing", "ne", "x"),
    Not(Compare("year", "exists", True)),
    Not(Compare("year", "gt", 2023)),
    Compare("title", "eq", "Backup policy"),
    Compare("title", "contains", "POLICY"),
    Compare("team", "contains", "p"),
    Compare("tags", "contains", "red"),
    Compare("tags", "contains", "re"),
    Compare("flag", "eq", True),
    Compare("flag", "eq", 1),
    Compare("flag", "in", [1, "true"]),
    Compare("number", "eq", 1),
    Compare("number", "eq", True),
    Compare("number", "gte", 1),
    Compare("number", "lt", 1.5),
    Compare("odd name.with'quote", "eq", 'va"lue'),
    Compare("media_type", "eq", "text/plain"),
    Compare("source", "glob", "*/[ab].txt"),
    Compare("source", "glob", "*/?.TXT"),
    Or((Compare("team", "eq", "ops"), Compare("document_id", "eq", "c"))),
    And((Compare("year", "exists", True), Not(Compare("team", "eq", "ops")))),
    And(()),
    Or(()),
)


def _neighbours(contract: Contract, backend: StoreBackend) -> None:
    import numpy as np

    fill(backend)
    vector: Any = document("b", "Backups run every night at two.").vectors[0]
    with opened(backend) as store:
        best, second = store.search(vector, 2)
        contract.equal(best.chunk_id, "b.0", "the nearest chunk to a chunk's own vector must be that chunk")
        contract.expect(
            abs(best.score - 1) <= 2e-3, "the score of a vector with itself must be 1 (cosine)", f"it is {best.score}"
        )
        contract.expect(
            -1 <= second.score < best.score, "scores must be cosines, the best first", f"{show([best, second])}"
        )
        far = store.search(-vector, 50)
        contract.equal(len(far), 8, "`search` must give all chunks when k is larger")
        contract.expect(
            abs(far[-1].score + 1) <= 2e-3, "the score of the opposite vector must be -1", f"it is {far[-1].score}"
        )
        contract.equal(store.search(vector, 0), [], "`search` for 0 chunks must give none")
        error = contract.refused(
            lambda: store.search(np.zeros(7, dtype=np.float32), 5),
            StoreError,
            "a query vector of another size must be refused with StoreError",
        )
        contract.expect(error is None or "7" in str(error), "StoreError must say how long the vector is", str(error))


def _words(contract: Contract, backend: StoreBackend) -> None:
    fill(backend)
    with opened(backend) as store:
        if "keyword" not in store.capabilities:
            return
        found = [hit.chunk_id for hit in store.keyword_search("disk", 5)]
        contract.equal(found, ["a.0"], "words of the text must be found")
        titled = {hit.chunk_id for hit in store.keyword_search("policy", 5)}
        contract.equal(titled, {"b.0", "b.1"}, "words of the title must find every chunk of the document")
        headed = {hit.chunk_id for hit in store.keyword_search("Calls", 5)}
        contract.expect({"c.1", "c.2"} <= headed, "words of the headings must find the chunks below", show(headed))
        scores = [hit.score for hit in store.keyword_search(_WORDS, 50)]
        contract.expect(
            scores == sorted(scores, reverse=True) and all(score > 0 for score in scores),
            "`keyword_search` must give scores above 0, the best first",
            f"they are {show(scores)}",
        )
        contract.equal(store.keyword_search("nowhere", 5), [], "words that are nowhere must find nothing")
        contract.equal(store.keyword_search("", 5), [], "no word must find nothing")
        contract.equal(store.keyword_search("disk", 0), [], "`keyword_search` for 0 chunks must give none")
        for text in ('"disk', "disk AND", "NEAR(", "disk*", "a:b", "(", "'; DROP TABLE x; --", "\0"):
            with contract.attempt(f"`keyword_search` for {text!r}"):
                store.keyword_search(text, 5)


def _ties(contract: Contract, backend: StoreBackend) -> None:
    same = "equal words here"
    with opened(backend, create=manifest, write=True) as store:
        # written in another order than that of the ids
        store.write([document(f"d{n}", same) for n in (7, 3, 9, 1, 5, 0, 8, 2, 6, 4)])
        vector = document("x", same).vectors[0]
        some = Compare("document_id", "in", ["d9", "d4", "d6", "d8"])
        promise = "equal scores must be ordered by chunk id, also where the list is cut"
        near = [hit.chunk_id for hit in store.search(vector, 3)]
        contract.equal(near, ["d0.0", "d1.0", "d2.0"], promise)
        near = [hit.chunk_id for hit in store.search(vector, 2, some)]
        contract.equal(near, ["d4.0", "d6.0"], promise)
        if "keyword" in store.capabilities:
            found = [hit.chunk_id for hit in store.keyword_search("equal", 3)]
            contract.equal(found, ["d0.0", "d1.0", "d2.0"], promise)
            found = [hit.chunk_id for hit in store.keyword_search("equal", 2, some)]
            contract.equal(found, ["d4.0", "d6.0"], promise)


def _filters(contract: Contract, backend: StoreBackend) -> None:
    """`sdk.matches` is the meaning of a filter."""
    fill(backend)
    with opened(backend, write=True) as store:
        store.write(
            [
                document("d", "on duty", metadata={"tags": ["red", "blue"], "flag": True, "number": 1.0}),
                document("e", "disk again", metadata={"odd name.with'quote": 'va"lue', "flag": None, "year": "2024"}),
            ]
        )
        records = list(store.documents())
        for where in FILTERS:
            expected = [record.id for record in records if matches(where, record.fields())]
            found = [record.id for record in store.documents(where)]
            contract.equal(found, expected, f"`documents({show(where)})` must agree with `sdk.matches`")
            by_vector = {hit.chunk_id.split(".")[0] for hit in store.search(first_axis(), 50, where)}
            contract.equal(by_vector, set(expected), f"`search` with {show(where)} must agree with `sdk.matches`")
            if "keyword" in store.capabilities:
                by_word = {hit.chunk_id.split(".")[0] for hit in store.keyword_search(_WORDS, 50, where)}
                contract.equal(
                    by_word, set(expected), f"`keyword_search` with {show(where)} must agree with `sdk.matches`"
                )


SEARCH_CASES: tuple[tuple[str, Callable[[Contract, StoreBackend], None]], ...] = (
    ("searching by vector", _neighbours),
    ("searching by words", _words),
    ("ordering equal scores", _ties),
    ("filtering", _filters),
)
