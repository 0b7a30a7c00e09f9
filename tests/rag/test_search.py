"""Finding passages: modes, fusion, filters, hits that can be cited, hooks and rerankers."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import NotFoundError, PluginError, UsageError
from opsvi_cli.rag.collections import CollectionSpec, collection_embedder, create_or_open, open_collection
from opsvi_cli.rag.embedding import embed_texts
from opsvi_cli.rag.search import Query, SearchOptions, search, search_many
from opsvi_cli.sdk import Chunk, Compare, DocumentRecord, DocumentWrite, Hit

TEXTS = {
    "disk": ("Disk full", "The volume ran out of space. Delete old logs first."),
    "backup": ("Backups", "Copies are made every night and kept for 35 days."),
    "duty": ("On call", "The primary answers the phone within 15 minutes."),
    "logs": ("Logs", "Logs are rotated every night. Old logs are deleted after a week."),
}


@pytest.fixture
def app() -> AppContext:
    return AppContext(env=dict(os.environ))


@pytest.fixture
def filled(app: AppContext) -> AppContext:
    with contextlib.closing(create_or_open(app, "default", CollectionSpec(embedder="wordllama"))) as store:
        embedder = collection_embedder(app, store.info)
        batch = []
        for year, (id_, (title, text)) in enumerate(TEXTS.items(), 2021):
            cut = text.index(".") + 1
            chunks = [
                Chunk(f"{id_}-{n}", id_, text[a:b], a, b, n, page=n + 1, section=("Guide", title))
                for n, (a, b) in enumerate(((0, cut), (cut + 1, len(text))))
                if text[a:b]
            ]
            record = DocumentRecord(
                id_, f"/ops/{id_}.md", "", title, "text/markdown", hashlib.sha256(text.encode()).hexdigest(), "f",
                len(text), len(chunks), app.now(), {"year": year},
            )  # fmt: skip
            vectors = embed_texts(app, embedder, [chunk.indexed_text(title) for chunk in chunks])
            batch.append(DocumentWrite(record, text, chunks, vectors))
        store.write(batch)
    return app


@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
def test_every_mode_finds_it_and_hits_can_be_cited(filled: AppContext, mode: Any) -> None:
    hits = search(filled, "the disk is full", SearchOptions(mode=mode, k=3))
    assert hits[0].document_id == "disk"
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    with contextlib.closing(open_collection(filled, "default")) as store:
        for hit in hits:
            assert store.document_text(hit.document_id)[hit.start : hit.end] == hit.text
    best = hits[0]
    assert (best.source, best.title, best.section) == ("/ops/disk.md", "Disk full", "Guide > Disk full")
    assert best.page in (1, 2)
    assert best.metadata == {"year": 2021}


def test_meaning_is_found_without_a_word_in_common(filled: AppContext) -> None:
    assert search(filled, "telephone", SearchOptions(mode="keyword")) == []
    assert search(filled, "telephone", SearchOptions(mode="dense"))[0].document_id == "duty"
    assert search(filled, "telephone")[0].document_id == "duty"


def test_k_and_the_settings(filled: AppContext) -> None:
    assert len(search(filled, "logs every night")) == filled.settings.retrieval.k
    assert len(search(filled, "logs every night", SearchOptions(k=2))) == 2
    assert len(search(filled, "logs every night", SearchOptions(k=1000))) == 6


def test_a_filter_binds_every_mode(filled: AppContext) -> None:
    for mode in ("hybrid", "dense", "keyword"):
        options = SearchOptions(mode=mode, k=50, where=Compare("year", "gte", 2024))  # type: ignore[arg-type]
        assert {hit.document_id for hit in search(filled, "logs", options)} == {"logs"}
        nothing = replace(options, where=Compare("year", "gt", 3000))
        assert search(filled, "logs", nothing) == []


def test_weights_and_fusion(filled: AppContext) -> None:
    def order(**options: Any) -> list[str]:
        return [hit.chunk_id for hit in search(filled, "old logs deleted", SearchOptions(k=7, **options))]

    assert order(dense_weight=1.0) == order(mode="dense")
    found = order(mode="keyword")
    assert order(dense_weight=0.0)[: len(found) - 1] == found[:-1]
    assert order(fusion="rrf") != [] != order(fusion="convex")
    scores = [hit.score for hit in search(filled, "old logs deleted", SearchOptions(fusion="rrf", k=2))]
    assert scores[0] == pytest.approx(2 / 61, abs=2e-3)


@pytest.mark.parametrize("text", ["", "   \n", "?!", "\ud800", '"', "zzzzqqqq" * 500, "NEAR(a b) AND *"])
@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
def test_no_text_breaks_it(filled: AppContext, text: str, mode: Any) -> None:
    hits = search(filled, text, SearchOptions(mode=mode))
    assert len(hits) <= 5


def test_a_default_collection_that_was_never_made_has_no_hits(app: AppContext) -> None:
    assert search(app, "anything") == []
    with pytest.raises(NotFoundError, match="'default'"):
        search(app, "anything", SearchOptions(collection="default"))


def test_wrong_options_are_told_before_anything_is_opened(app: AppContext) -> None:
    for options, problem in (
        (SearchOptions(k=0), "-k"),
        (SearchOptions(dense_weight=1.5), "--dense-weight"),
        (SearchOptions(rerank="nope"), "no reranker 'nope'"),
    ):
        with pytest.raises(UsageError, match=problem):
            search(app, "x", options)


def test_many_queries_are_answered_in_order(filled: AppContext) -> None:
    queries = [Query("1", "disk full"), Query("2", " "), Query("3", "phone")]
    found = list(search_many(filled, queries, SearchOptions(k=1)))
    assert [query.id for query, _hits in found] == ["1", "2", "3"]
    assert [[hit.document_id for hit in hits] for _query, hits in found] == [["disk"], [], ["duty"]]


class Backwards:
    """A reranker that turns the order round."""

    def __init__(self, services: object) -> None:
        pass

    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        return [-hit.score for hit in hits]


class Short(Backwards):
    def rerank(self, query: str, hits: Sequence[Hit]) -> list[float]:
        return []


def test_a_reranker_orders_more_than_is_shown(filled: AppContext, monkeypatch: pytest.MonkeyPatch) -> None:
    sys.modules["fake_rerankers"] = sys.modules[__name__]
    try:
        filled.plugins.registry.add("reranker", "backwards", "fake_rerankers:Backwards", help="x")
        filled.plugins.registry.add("reranker", "short", "fake_rerankers:Short", help="x")
        plain = search(filled, "old logs", SearchOptions(k=50))
        turned = search(filled, "old logs", SearchOptions(k=2, rerank="backwards"))
        assert turned[0].score == -plain[-1].score
        assert [hit.rank for hit in turned] == [1, 2]
        filled.set_flag("retrieval.rerank", "backwards")
        assert search(filled, "old logs", SearchOptions(k=2)) == turned
        assert search(filled, "old logs", SearchOptions(k=50, rerank="none")) == plain
        with pytest.raises(PluginError, match="0 scores"):
            search(filled, "old logs", SearchOptions(rerank="short"))
    finally:
        del sys.modules["fake_rerankers"]


def test_the_hits_hook_is_applied(filled: AppContext, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def hits(query: str, found: Sequence[Hit]) -> list[Hit]:
        seen.append(query)
        return [hit for hit in found if hit.document_id != "disk"]

    monkeypatch.setattr(filled.plugins, "hits", hits)
    found = search(filled, "the disk is full")
    assert seen == ["the disk is full"]
    assert "disk" not in {hit.document_id for hit in found}
    assert [hit.rank for hit in found] == list(range(1, len(found) + 1))


def test_keyword_mode_imports_no_numpy(filled: AppContext) -> None:
    script = (
        "import json, sys\n"
        "from opsvi_cli.app import main\n"
        "main(['search', 'disk', '--mode', sys.argv[1], '--json'])\n"
        "json.dump(sorted({'numpy', 'faiss', 'pydantic', 'tokenizers', 'openai'} & sys.modules.keys()), sys.stderr)"
    )

    def imported(mode: str) -> Any:
        command = [sys.executable, "-c", script, mode]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
        assert json.loads(done.stdout)[0]["document_id"] == "disk"
        return json.loads(done.stderr)

    assert imported("keyword") == []
    assert imported("hybrid") == ["numpy", "tokenizers"]
