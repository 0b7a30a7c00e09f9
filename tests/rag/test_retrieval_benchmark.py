"""The retrieval benchmark: its figures by hand, its run on a small set, and the quality it must not fall below."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SETS = ROOT.parent / "shared" / "data" / "retrieval"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("retrieval_benchmark", ROOT / "benchmarks" / "retrieval" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ndcg_by_hand(benchmark: ModuleType) -> None:
    grades = {"a": 3, "b": 1, "c": 0}
    ideal = 3 + 1 / math.log2(3)
    assert benchmark.ndcg(["a", "b"], grades) == pytest.approx(1)
    assert benchmark.ndcg(["x", "a"], grades) == pytest.approx(3 / math.log2(3) / ideal)
    assert benchmark.ndcg(["x"] * 10 + ["a"], grades) == 0
    assert benchmark.ndcg(["a"], {}) == 0


def test_recall_by_hand(benchmark: ModuleType) -> None:
    grades = {"a": 2, "b": 1, "c": 0}
    assert benchmark.recall(["c", "a"], grades) == 0.5
    assert benchmark.recall(["x"] * 100 + ["a", "b"], grades) == 0


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    (folder / "qrels").mkdir(parents=True)
    texts = {"d1": "The disk is full.", "d2": "Backups run at night.", "d3": "Call the person on duty."}
    corpus = [json.dumps({"_id": id_, "title": "", "text": text}) for id_, text in texts.items()]
    (folder / "corpus.jsonl").write_text("\n".join(corpus))
    (folder / "queries.jsonl").write_text(
        '{"_id": "q1", "text": "full disk"}\n{"_id": "q2", "text": "nightly backup"}\n'
    )
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\nq2\td2\t1\n")
    return folder


@pytest.mark.parametrize("whole", [True, False])
def test_a_small_set(benchmark: ModuleType, small: Path, whole: bool) -> None:
    figures = benchmark.measure(small, whole=whole, embedder_name=None)
    assert (figures["queries"], figures["chunks"]) == (2, 3)
    for mode in benchmark.MODES:
        assert figures[mode]["ndcg@10"] == 1
        assert figures[mode]["recall@100"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "keyword", "dense", "hybrid"), [("cranfield", 0.50, 0.40, 0.51), ("cisi", 0.37, 0.35, 0.39)]
)
def test_quality(benchmark: ModuleType, name: str, keyword: float, dense: float, hybrid: float) -> None:
    if not (SETS / name).exists():
        pytest.skip("the public collections are not here")
    figures = benchmark.measure(SETS / name, whole=False, embedder_name=None)
    found = [figures[mode]["ndcg@10"] for mode in ("keyword", "dense", "hybrid")]
    assert found[0] > keyword
    assert found[1] > dense
    assert found[2] > hybrid
