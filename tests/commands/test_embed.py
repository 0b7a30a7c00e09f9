"""`opsvi embed`: JSON lines by default, from arguments or stdin."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Run = Callable[..., Any]


@pytest.mark.parametrize(("embedder", "dimension"), [("hash", 128), ("wordllama", 256)])
def test_lines_and_array(opsvi: Run, embedder: str, dimension: int) -> None:
    result = opsvi("embed", "disk full", "no space left", "--embedder", embedder)
    assert (result.code, result.err) == (0, "")
    assert [row["text"] for row in result.jsonl] == ["disk full", "no space left"]
    for row in result.jsonl:
        assert len(row["embedding"]) == dimension
        assert math.hypot(*row["embedding"]) == pytest.approx(1, abs=1e-3)
    array = opsvi("embed", "disk full", "no space left", "--embedder", embedder, "--json")
    jsonschema.validate(array.json, json.loads((GOLDEN / "embed.schema.json").read_text()))
    assert array.json == result.jsonl
    assert opsvi("embed", "x", "--embedder", embedder, "--json=text", "y").json == [{"text": "x"}, {"text": "y"}]


def test_each_line_of_stdin(opsvi: Run) -> None:
    result = opsvi("embed", "--embedder", "hash", stdin="one\n\ntwo words\r\nüber".encode())
    assert [row["text"] for row in result.jsonl] == ["one", "two words", "über"]


def test_nothing_to_embed(opsvi: Run) -> None:
    for stdin in (None, "", "\n \n"):
        result = opsvi("embed", stdin=stdin)
        assert (result.code, result.out) == (2, "")
        assert "hint:" in result.err


def test_an_unknown_embedder(opsvi: Run) -> None:
    result = opsvi("embed", "x", "--embedder", "wordlama", "--json")
    assert (result.code, result.out) == (2, "")
    assert "wordllama" in json.loads(result.err)["error"]["hint"]
