"""Embedder `hash`: the same everywhere and always, and shared words are near."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest

from opsvi_cli.builtin.hash_embedder import HashEmbedder
from opsvi_cli.sdk import UsageError


def make(**options: Any) -> HashEmbedder:
    services: Any = types.SimpleNamespace(options=options)
    return HashEmbedder(services)


def test_the_same_numbers_for_ever() -> None:
    row = make(dimension=64).embed(["disk full"])[0]
    places = {int(n): round(float(row[n]), 4) for n in np.flatnonzero(row)}
    assert places == {37: -0.6667, 47: -0.3333, 58: -0.6667}


def test_rows_are_normalised() -> None:
    rows = make().embed(["one two", "", "!!!", "lone \ud800"])
    assert np.linalg.norm(rows, axis=1).tolist() == pytest.approx([1, 0, 0, 1], abs=1e-6)
    assert make().embed([]).shape == (0, 128)


def test_shared_words_are_near_whatever_their_case() -> None:
    a, b, c = make().embed(["The disk is FULL", "the disk is full", "entirely different words"])
    assert a @ b == pytest.approx(1, abs=1e-6)
    assert a @ c < 0.5


def test_dimension_is_part_of_the_fingerprint() -> None:
    assert make().fingerprint != make(dimension=64).fingerprint
    for wrong in (63, 257, "128", True, 64.0):
        with pytest.raises(UsageError, match="dimension"):
            make(dimension=wrong)
