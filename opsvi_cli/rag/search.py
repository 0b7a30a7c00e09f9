"""Finding passages: keyword search, dense search, or both fused, with a filter, an optional reranker and the hits hook.

numpy and the embedder are imported only when vectors are used: `--mode keyword` needs neither.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from opsvi_cli.errors import StoreError, UsageError
from opsvi_cli.sdk import Embedder, Filter, Hit, Scored, Store

from .collections import collection_embedder, find_store, open_collection
from .embedding import embed_texts
from .fusion import best_first, convex, reciprocal_rank
from .reranking import NamedReranker, find_reranker, reranked

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

Mode = Literal["hybrid", "dense", "keyword"]
Fusion = Literal["convex", "rrf"]
CANDIDATES = 200
"""How many of each ranking are fused: more changes next to nothing."""
RERANKED = 50
"""How many of the best a reranker sees."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """None: as the settings say. `dense_weight` is 0..1; negative: the collection's own. `rerank` may be "none"."""

    collection: str | None = None
    k: int | None = None
    mode: Mode | None = None
    where: Filter | None = None
    fusion: Fusion | None = None
    dense_weight: float | None = None
    rerank: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A line of a batch. `id` is the caller's own."""

    id: str
    text: str


def open_for_search(app: AppContext, options: SearchOptions) -> Store | None:
    """The collection to search; None for a default collection that was never made.

    Raises NotFoundError when one that was asked for by name is missing.
    """
    if options.collection is None and find_store(app, app.settings.collection) is None:
        return None
    return open_collection(app, options.collection or app.settings.collection)


def search(app: AppContext, text: str, options: SearchOptions | None = None) -> list[Hit]:
    """The best passages for `text`, best first; none when the default collection was never made."""
    return next(iter(search_many(app, [Query("", text)], options)))[1]


def search_many(
    app: AppContext, queries: Iterable[Query], options: SearchOptions | None = None
) -> Iterator[tuple[Query, list[Hit]]]:
    """As `search`, for many queries over a collection that is opened once."""
    options = options or SearchOptions()
    _check_options(options)
    reranker = find_reranker(app, options.rerank)
    store = open_for_search(app, options)
    if store is None:
        yield from ((query, []) for query in queries)
        return
    with contextlib.closing(store):
        embedder: Embedder | None = None
        for query in queries:
            if embedder is None and needs_vectors(app, store, options):
                embedder = collection_embedder(app, store.info)
            yield query, search_store(app, store, embedder, reranker, query.text, options)


def needs_vectors(app: AppContext, store: Store, options: SearchOptions) -> bool:
    """False when the search can do without an embedder."""
    return _mode(app, store, options) != "keyword"


def search_store(
    app: AppContext,
    store: Store,
    embedder: Embedder | None,
    reranker: NamedReranker | None,
    text: str,
    options: SearchOptions,
) -> list[Hit]:
    """Search an open collection. `embedder` is the collection's own; None only where `needs_vectors` is False."""
    app.remaining()
    _check_options(options)
    k = options.k or app.settings.retrieval.k
    if not text.strip() or store.count()[1] == 0:
        return []
    scored = _rank(app, store, embedder, text, max(k, RERANKED) if reranker else k, options)
    hits = _hits(store, scored)
    if reranker is not None:
        hits = reranked(app, reranker, text, hits)
    hits = _after_hook(app, text, hits)[:k]
    return [replace(hit, rank=rank) for rank, hit in enumerate(hits, 1)]


def _check_options(options: SearchOptions) -> None:
    if options.k is not None and options.k < 1:
        raise UsageError(f"-k must be 1 or more, not {options.k}", hint="-k 5")
    if options.dense_weight is not None and options.dense_weight > 1:
        raise UsageError(f"--dense-weight must be 0..1, not {options.dense_weight:g}", hint="--dense-weight 0.4")


def _mode(app: AppContext, store: Store, options: SearchOptions) -> Mode:
    """The mode asked for; a store without keyword search turns the hybrid default into dense."""
    mode = options.mode or app.settings.retrieval.mode
    if "keyword" in store.capabilities:
        return mode
    if options.mode in ("keyword", "hybrid"):
        raise UsageError(
            f"the store {store.info.store!r} has no keyword search", hint="leave --mode out, or say --mode dense"
        )
    return "dense"


def _rank(
    app: AppContext, store: Store, embedder: Embedder | None, text: str, k: int, options: SearchOptions
) -> list[Scored]:
    mode = _mode(app, store, options)
    if mode == "keyword":
        return best_first(store.keyword_search(text, k, options.where))[:k]
    if embedder is None:
        raise StoreError(f"collection {store.info.name!r} cannot be searched by vectors here", hint="--mode keyword")
    if mode == "dense":
        return _dense(app, store, embedder, text, k, options.where)
    depth = max(CANDIDATES, k)
    keyword = store.keyword_search(text, depth, options.where)
    dense = _dense(app, store, embedder, text, depth, options.where)
    if (options.fusion or app.settings.retrieval.fusion) == "rrf":
        return reciprocal_rank(best_first(keyword), dense)[:k]
    return convex(keyword, dense, _weight(app, store, options))[:k]


def _weight(app: AppContext, store: Store, options: SearchOptions) -> float:
    for given in (options.dense_weight, app.settings.retrieval.dense_weight):
        if given is not None and given >= 0:
            return min(given, 1.0)
    return store.info.fusion_weight


def _dense(app: AppContext, store: Store, embedder: Embedder, text: str, k: int, where: Filter | None) -> list[Scored]:
    vector = embed_texts(app, embedder, [text], "query", cached=False)[0]
    if not vector.any():  # no token of the text is known: every score would be 0
        return []
    return best_first(store.search(vector, k, where))[:k]


def _hits(store: Store, scored: Sequence[Scored]) -> list[Hit]:
    scores = {item.chunk_id: item.score for item in scored}
    hits: list[Hit] = []
    for chunk, record in store.chunks([item.chunk_id for item in scored]):
        hits.append(
            Hit(
                rank=len(hits) + 1,
                score=scores[chunk.id],
                text=chunk.text,
                source=record.source,
                document_id=record.id,
                chunk_id=chunk.id,
                title=record.title,
                page=chunk.page,
                section=" > ".join(chunk.section) or None,
                start=chunk.start,
                end=chunk.end,
                metadata=record.metadata,
            )
        )
    return hits


def _after_hook(app: AppContext, text: str, hits: list[Hit]) -> list[Hit]:
    """What plugins make of the hits (`opsvi_hits`)."""
    return app.plugins.hits(text, hits)
