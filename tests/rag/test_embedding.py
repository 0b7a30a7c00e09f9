"""Embedding in batches, once for the same text, with what comes back checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError, PluginError, ProviderError, UsageError
from opsvi_cli.rag.embedding import BATCH, embed_texts, load_embedder
from opsvi_cli.sdk import Vectors


class Counting:
    """Lengths of the texts as vectors; remembers what it was asked."""

    dimension = 2
    fusion_weight = 0.5

    def __init__(self, fingerprint: str = "counting") -> None:
        self.fingerprint = fingerprint
        self.asked: list[list[str]] = []

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        self.asked.append(list(texts))
        return np.asarray([[len(text), kind == "query"] for text in texts], dtype=np.float32)


@pytest.fixture
def app() -> AppContext:
    return AppContext(env=dict(os.environ))


def test_rows_stand_in_the_order_of_the_texts(app: AppContext) -> None:
    embedder = Counting()
    rows = embed_texts(app, embedder, ["aaa", "b", "", "aaa", "\ud800"])
    assert rows[:, 0].tolist() == [3, 1, 0, 3, 1]
    assert embedder.asked == [["aaa", "b", "", "\ud800"]]


def test_the_same_text_is_embedded_once_over_runs(app: AppContext) -> None:
    first = embed_texts(app, Counting(), ["one", "three"])
    again = Counting()
    second = embed_texts(AppContext(env=dict(os.environ)), again, ["three", "new", "one"])
    assert again.asked == [["new"]]
    assert np.array_equal(second[[2, 0]], first)


def test_the_cache_tells_embedders_and_kinds_apart(app: AppContext) -> None:
    embed_texts(app, Counting(), ["text"])
    other, query = Counting("other"), Counting()
    embed_texts(app, other, ["text"])
    assert embed_texts(app, query, ["text"], "query").tolist() == [[4, 1]]
    assert other.asked == query.asked == [["text"]]


def test_many_texts_go_in_batches(app: AppContext) -> None:
    embedder = Counting()
    texts = [str(n) for n in range(2 * BATCH + 1)]
    assert embed_texts(app, embedder, texts, cached=False).shape == (len(texts), 2)
    assert [len(batch) for batch in embedder.asked] == [BATCH, BATCH, 1]


def test_no_text_asks_for_nothing(app: AppContext) -> None:
    embedder = Counting()
    assert embed_texts(app, embedder, []).shape == (0, 2)
    assert embedder.asked == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (np.zeros((1, 3)), "shape"),
        (np.zeros((2, 2)), "shape"),
        (np.zeros(2), "shape"),
        (np.asarray([[np.nan, 0]]), "not finite"),
        (np.asarray([[np.inf, 0]]), "not finite"),
    ],
)
def test_a_wrong_answer_is_refused_and_not_cached(app: AppContext, answer: Any, problem: str) -> None:
    class Wrong(Counting):
        def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
            return answer  # type: ignore[no-any-return]

    with pytest.raises(PluginError, match=problem):
        embed_texts(app, Wrong(), ["x"])
    good = Counting()
    embed_texts(app, good, ["x"])
    assert good.asked == [["x"]]


@pytest.mark.parametrize(
    ("raised", "remote", "expected", "says"),
    [
        (ValueError("ragged"), False, PluginError, "embedder counting failed with ValueError: ragged"),
        (ConnectionResetError(104, "reset"), True, ProviderError, "counting: the connection broke"),
        (ValueError("ragged"), True, ProviderError, "counting: the provider failed with ValueError: ragged"),
        (ProviderError("gone", kind="refused"), True, ProviderError, "gone"),
    ],
)
def test_what_an_embedder_raises(
    raised: Exception, remote: bool, expected: type[OpsviError], says: str, app: AppContext
) -> None:
    class Failing(Counting):
        def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
            raise raised

    embedder = Failing()
    embedder.remote = remote  # type: ignore[attr-defined]
    app.set_flag("resilience.retries", 0)
    with pytest.raises(expected, match=says) as caught:
        embed_texts(app, embedder, ["x"])
    assert caught.value.hint or "gone" in says


def test_only_a_text_without_words_may_be_zero(app: AppContext) -> None:
    class Zero(Counting):
        remote = True

        def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
            return np.zeros((len(texts), 2), dtype=np.float32)

    assert not embed_texts(app, Zero(), [" ", ""]).any()
    with pytest.raises(PluginError, match="gave zeros for a text that is not empty"):
        embed_texts(app, Zero(), ["", "x"])


def test_an_unknown_embedder_is_a_usage_error(app: AppContext) -> None:
    with pytest.raises(UsageError, match="'nope'"):
        load_embedder(app, "nope")
