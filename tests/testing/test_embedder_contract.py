"""`check_embedder` bites: one wrong embedder for each promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from opsvi_cli.testing import FakeEmbedder, check_embedder


class Changed(FakeEmbedder):
    """Good vectors, changed by `change(rows, texts, kind)`."""

    def __init__(self, change: Callable[..., Any]) -> None:
        super().__init__()
        self.change = change

    def embed(self, texts: Any, kind: Any = "document") -> Any:
        return self.change(super().embed(texts, kind), texts, kind)


def _noise(rows: Any, *_: Any) -> Any:
    _noise.state += 1  # type: ignore[attr-defined]
    return np.roll(rows, _noise.state, axis=1)  # type: ignore[attr-defined]


_noise.state = 0  # type: ignore[attr-defined]


def _empty_row(rows: Any, texts: Any, _kind: Any) -> Any:
    rows[[not text for text in texts]] = 8**-0.5
    return rows


def _nan(rows: Any, *_: Any) -> Any:
    rows[:1] = np.nan
    return rows


def _fail(error: BaseException) -> Callable[..., Any]:
    def act(*_: Any) -> Any:
        raise error

    return act


def _eats(rows: Any, texts: Any, _kind: Any) -> Any:
    texts.clear()
    return rows


def _only_documents(rows: Any, _texts: Any, kind: Any) -> Any:
    if kind == "query":
        raise KeyError(kind)
    return rows


ROWS: dict[str, tuple[Callable[..., Any], str]] = {
    "float64": (lambda rows, *_: rows.astype(np.float64), "`embed` must give float32; it gave float64"),
    "lists": (lambda rows, *_: rows.tolist(), "`embed` must give a numpy array; it gave list"),
    "nothing": (lambda *_: None, "must give an array; it gave None"),
    "too short": (lambda rows, *_: rows[:, :4], "must give the shape (6, 8); it gave (6, 4)"),
    "a row less": (lambda rows, *_: rows[:-1], "must give the shape (6, 8); it gave (5, 8)"),
    "flat when empty": (
        lambda rows, texts, _: rows if texts else np.zeros(0, np.float32),
        "`embed` of no text as 'document' must give the shape (0, 8); it gave (0,)",
    ),
    "fails when empty": (lambda rows, texts, _: np.stack(list(rows)), "`embed` of no text as 'document' must work"),
    "nan": (_nan, "every number must be finite"),
    "not normalised": (lambda rows, *_: rows * np.float32(2), "must have the length 1; the lengths are 2, 2"),
    "empty text": (_empty_row, "the row of an empty text must be zeros; its length is 1"),
    "not the same again": (_noise, "the same text must get the same row again; numbers differ by up to"),
    "sorted": (
        lambda rows, texts, _: rows[np.argsort(texts)] if texts else rows,
        "a row must belong to its text, in whatever order the texts come",
    ),
    "of the batch": (
        lambda rows, texts, _: np.roll(rows, len(texts), axis=1),
        "a text must get the same row alone and in a batch; numbers differ",
    ),
    "documents only": (_only_documents, "`embed` of 6 texts as 'query' must work; it raised KeyError"),
    "raises": (_fail(RuntimeError("no\nmodel")), "must work; it raised RuntimeError: no"),
    "ends the program": (_fail(SystemExit(3)), "must not end the program; it raised SystemExit: 3"),
    "eats its input": (_eats, "`embed` must leave the list of texts as it is; expected"),
}


@pytest.mark.parametrize("name", ROWS)
def test_wrong_rows(name: str, broken: Callable[..., Any]) -> None:
    change, words = ROWS[name]
    found = broken(check_embedder, Changed(change))
    assert any(words in sentence for sentence in found), found


ATTRIBUTES: tuple[tuple[str, Any, str], ...] = (
    ("fingerprint", "", "`fingerprint` must be a text; it is ''"),
    ("fingerprint", None, "`fingerprint` must be a text; it is None"),
    ("dimension", 8.0, "`dimension` must be a whole number from 1 on; it is 8.0"),
    ("dimension", 0, "`dimension` must be a whole number from 1 on; it is 0"),
    ("fusion_weight", 1.5, "`fusion_weight` must be a number from 0 to 1; it is 1.5"),
    ("fusion_weight", "0.5", "`fusion_weight` must be a number from 0 to 1; it is '0.5'"),
    ("remote", "yes", "`remote` must be True or False; it is 'yes'"),
)


@pytest.mark.parametrize(("name", "value", "words"), ATTRIBUTES)
def test_wrong_attributes(name: str, value: Any, words: str, broken: Callable[..., Any]) -> None:
    found = broken(check_embedder, type("Wrong", (FakeEmbedder,), {name: value})())
    assert any(words in sentence for sentence in found), found


def test_a_fingerprint_that_changes_and_a_kind_that_is_not_a_document(broken: Callable[..., Any]) -> None:
    class Restless(FakeEmbedder):
        @property
        def fingerprint(self) -> str:  # type: ignore[override]
            return f"restless-{len(self.texts)}"

        def embed(self, texts: Any, kind: Any = "query") -> Any:
            rows = super().embed(texts, kind)
            return rows if kind == "document" else -rows

    found = broken(check_embedder, Restless())
    assert [sentence.split(";")[0] for sentence in found] == [
        "`embed` without a kind must be that of a document",
        "`fingerprint` must stay the same while it is used",
    ]


def test_all_broken_promises_are_named_at_once(broken: Callable[..., Any]) -> None:
    wrong = type("Wrong", (Changed,), {"fusion_weight": 7, "dimension": 4})
    found = broken(check_embedder, wrong(lambda rows, *_: rows.astype(np.float16) * 2))
    assert len(found) >= 3


def test_an_embedder_without_anything(broken: Callable[..., Any]) -> None:
    assert broken(check_embedder, object())
