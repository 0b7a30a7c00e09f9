"""Pairs of passages whose vectors point the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from opsvi_cli.sdk import DocumentWrite

_BLOCK = 1024
"""Rows compared at once: a matrix of 1024 by all passages, not all by all."""


class Pair(NamedTuple):
    """Two passages of different documents. `score` is the cosine similarity of their vectors, -1..1."""

    score: float
    source: str
    text: str
    other_source: str
    other_text: str


def pairs(documents: Iterable[DocumentWrite], at_least: float) -> Iterator[Pair]:
    """Every pair with a score of `at_least` or more, in the order of the documents."""
    rows, places = [], []
    for number, item in enumerate(documents):
        for chunk, vector in zip(item.chunks, item.vectors, strict=True):
            rows.append(vector)
            places.append((number, item.record.source, chunk.text))
    if not rows:
        return
    matrix = np.asarray(rows, dtype=np.float32)
    for start in range(0, len(matrix), _BLOCK):
        scores = matrix[start : start + _BLOCK] @ matrix.T
        for row, column in zip(*np.nonzero(scores >= at_least), strict=True):
            one, other = int(start + row), int(column)
            if one < other and places[one][0] != places[other][0]:
                score = round(float(scores[row, column]), 4)
                yield Pair(score, places[one][1], places[one][2], places[other][1], places[other][2])
