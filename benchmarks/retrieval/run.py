"""Retrieval quality on a BEIR-layout folder: nDCG@10 and recall@100 of each mode, through opsvi's own rooms.

    python benchmarks/retrieval/run.py FOLDER... [--whole] [--embedder NAME] [--json]

A folder holds `corpus.jsonl` (`_id`, `title`, `text`), `queries.jsonl` (`_id`, `text`) and `qrels/test.tsv`
(query, document, grade). Gains are linear, as in trec_eval. Documents are cut by the default chunker and scored by
their best chunk; with --whole each is one chunk. Nothing outside a temporary folder is written.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from opsvi_cli.context import AppContext
from opsvi_cli.rag.collections import CollectionSpec, collection_chunker, collection_embedder, create_or_open
from opsvi_cli.rag.embedding import embed_texts
from opsvi_cli.rag.search import SearchOptions, search_store
from opsvi_cli.sdk import Chunk, Chunker, Document, DocumentRecord, DocumentWrite, Embedder, Store

MODES: Mapping[str, SearchOptions] = {
    "keyword": SearchOptions(mode="keyword"),
    "dense": SearchOptions(mode="dense"),
    "hybrid": SearchOptions(mode="hybrid", fusion="convex"),
    "hybrid rrf": SearchOptions(mode="hybrid", fusion="rrf"),
}
DEPTH = 200
BATCH = 500

Grades = Mapping[str, Mapping[str, int]]


def ndcg(ranking: list[str], grades: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `depth` documents."""
    gained = sum(grades.get(id_, 0) / math.log2(place + 2) for place, id_ in enumerate(ranking[:depth]))
    best = sorted(grades.values(), reverse=True)[:depth]
    ideal = sum(grade / math.log2(place + 2) for place, grade in enumerate(best))
    return gained / ideal if ideal else 0.0


def recall(ranking: list[str], grades: Mapping[str, int], depth: int = 100) -> float:
    """Share of the relevant documents among the first `depth`."""
    relevant = {id_ for id_, grade in grades.items() if grade > 0}
    return len(relevant & set(ranking[:depth])) / len(relevant) if relevant else 0.0


def read_jsonl(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def read_grades(path: Path) -> Grades:
    grades: dict[str, dict[str, int]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split("\t")
        if len(fields) == 3 and fields[2].lstrip("-").isdigit():
            grades.setdefault(fields[0], {})[fields[1]] = int(fields[2])
    return grades


def fill(app: AppContext, store: Store, embedder: Embedder, chunker: Chunker | None, corpus: Path) -> int:
    """Write every document; returns the number of chunks."""
    pending: list[tuple[Document, list[Chunk]]] = []
    total = 0
    for entry in read_jsonl(corpus):
        document = Document(text=entry["text"] or " ", title=entry.get("title", ""), id=entry["_id"])
        spans = [(0, len(document.text))] if chunker is None else chunker.spans(document)
        chunks = [
            Chunk(f"{document.id}-{place}", document.id, document.text[start:end], start, end, place)
            for place, (start, end) in enumerate(spans)
        ]
        pending.append((document, chunks))
        total += len(chunks)
        if len(pending) == BATCH:
            store.write(list(_writes(app, embedder, pending)))
            pending.clear()
    store.write(list(_writes(app, embedder, pending)))
    return total


def _writes(
    app: AppContext, embedder: Embedder, pending: Iterable[tuple[Document, list[Chunk]]]
) -> Iterator[DocumentWrite]:
    pending = list(pending)
    texts = [chunk.indexed_text(document.title) for document, chunks in pending for chunk in chunks]
    vectors = embed_texts(app, embedder, texts, cached=False)
    row = 0
    for document, chunks in pending:
        record = DocumentRecord(
            id=document.id,
            source=f"corpus:{document.id}",
            part="",
            title=document.title,
            media_type="text/plain",
            content_hash=hashlib.sha256(document.text.encode()).hexdigest(),
            fingerprint="benchmark",
            characters=len(document.text),
            chunks=len(chunks),
            ingested=app.now(),
        )
        yield DocumentWrite(record, document.text, chunks, vectors[row : row + len(chunks)])
        row += len(chunks)


def measure(folder: Path, *, whole: bool, embedder_name: str | None) -> dict[str, object]:
    """Figures of one folder."""
    grades = read_grades(folder / "qrels" / "test.tsv")
    queries = {q["_id"]: q["text"] for q in read_jsonl(folder / "queries.jsonl") if q["_id"] in grades}
    with tempfile.TemporaryDirectory() as home:
        app = AppContext(env={**os.environ, "OPSVI_HOME": home})
        with contextlib.closing(create_or_open(app, "benchmark", CollectionSpec(embedder=embedder_name))) as store:
            embedder = collection_embedder(app, store.info)
            began = time.perf_counter()
            chunker = None if whole else collection_chunker(app, store.info)
            chunks = fill(app, store, embedder, chunker, folder / "corpus.jsonl")
            seconds = time.perf_counter() - began
            figures = {name: _mode(app, store, embedder, options, queries, grades) for name, options in MODES.items()}
    return {"set": folder.name, "chunks": chunks, "seconds": round(seconds, 2), "queries": len(queries), **figures}


def _mode(
    app: AppContext,
    store: Store,
    embedder: Embedder,
    options: SearchOptions,
    queries: Mapping[str, str],
    grades: Grades,
) -> dict[str, float]:
    options = SearchOptions(k=DEPTH, mode=options.mode, fusion=options.fusion)
    began = time.perf_counter()
    gains, recalls = [], []
    for id_, text in queries.items():
        hits = search_store(app, store, embedder, None, text, options)
        ranking = list(dict.fromkeys(hit.document_id for hit in hits))
        gains.append(ndcg(ranking, grades[id_]))
        recalls.append(recall(ranking, grades[id_]))
    milliseconds = 1000 * (time.perf_counter() - began) / len(queries)
    return {
        "ndcg@10": round(sum(gains) / len(gains), 4),
        "recall@100": round(sum(recalls) / len(recalls), 4),
        "ms": round(milliseconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--whole", action="store_true", help="each document is one chunk")
    parser.add_argument("--embedder", help="default: the settings'")
    parser.add_argument("--json", action="store_true", help="one JSON object a folder and line")
    arguments = parser.parse_args()
    for folder in arguments.folders:
        figures = measure(folder, whole=arguments.whole, embedder_name=arguments.embedder)
        if arguments.json:
            print(json.dumps(figures))
            continue
        print(f"{figures['set']}: {figures['chunks']} chunks in {figures['seconds']} s, {figures['queries']} queries")
        for name in MODES:
            mode = figures[name]
            assert isinstance(mode, dict)
            print(f"  {name:<11} nDCG@10 {mode['ndcg@10']:.4f}  recall@100 {mode['recall@100']:.4f}  {mode['ms']} ms")


if __name__ == "__main__":
    main()
