"""Faults of an answer that holds vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .chat_handler import Handler, vectors

Fault = Callable[[Handler], None]


def _changed(change: Callable[[list[dict[str, Any]]], object]) -> Fault:
    return lambda h: vectors(h, lambda data: change(data) and None)


def _first(vector: object) -> Fault:
    return _changed(lambda data: data[0].update(embedding=vector))


def _grow(data: list[dict[str, Any]]) -> None:
    """All but the first have a number more."""
    for entry in data[1:]:
        entry["embedding"].append(9.0)


def _all_grow(data: list[dict[str, Any]]) -> None:
    """From the second text on: the first request, which finds out the dimension, is answered well."""
    if len(data) > 1:
        for entry in data:
            entry["embedding"].append(9.0)


FAULTS: dict[str, Fault] = {
    "embeddings-wrong-dimension": _changed(_grow),
    "embeddings-other-dimension": _changed(_all_grow),
    "embeddings-shuffled": _changed(lambda data: data.reverse()),
    "embeddings-missing": _changed(lambda data: data.pop()),
    "embeddings-twice": _changed(lambda data: data.append(dict(data[0]))),
    "embeddings-same-index": _changed(lambda data: data[-1].update(index=0)),
    "embeddings-nan": _first([float("nan"), 1.0, 1.0]),
    "embeddings-infinite": _first([1e999, 1.0, 1.0]),
    "embeddings-zero": _first([0.0, 0.0, 0.0]),
    "embeddings-text": _first("0.1 0.2"),
    "embeddings-null": _first(None),
    "embeddings-empty": _changed(lambda data: data.clear()),
}
