"""`opsvi search`: streams, JSON shapes, batches, people's output, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def _documents(request: pytest.FixtureRequest) -> None:
    if "fresh" not in request.keywords and "on_a_fresh_home" not in request.node.name:
        request.getfixturevalue("ops_collection")


def shape(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.schema.json").read_text())


@pytest.mark.parametrize("mode", ["hybrid", "dense", "keyword"])
def test_json_has_the_documented_shape(opsvi: Run, mode: str) -> None:
    result = opsvi("search", "who is on call on Sundays", "--json", "--mode", mode, "-k", 2)
    assert result.code == 0
    assert result.err == ""
    jsonschema.validate(result.json, shape("search"))
    assert result.json[0]["source"].endswith("oncall.md")
    assert len(result.json) <= 2


def test_jsonl_and_fields(opsvi: Run) -> None:
    rows = opsvi("search", "backup", "--jsonl").jsonl
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert list(opsvi("search", "backup", "--json=source,rank").json[0]) == ["source", "rank"]
    wrong = opsvi("search", "backup", "--json=nope")
    assert wrong.code == 2
    assert "Available fields" in json.loads(wrong.err)["error"]["message"]


def test_a_pipe_gets_one_line_a_hit_cut_by_tabs(opsvi: Run) -> None:
    lines = opsvi("search", "how long are backups kept", "--mode", "keyword").out.splitlines()
    assert lines
    assert all(len(line.split("\t")) == 5 for line in lines)
    rank, score, source, _place, text = lines[0].split("\t")
    assert rank == "1"
    assert float(score) > 0
    assert source.endswith("backup.md")
    assert "35 days" in text


def test_people_see_the_words_marked_and_no_line_too_long(opsvi: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    out = opsvi("search", "how long are backups kept", "--color", "always").out
    assert "\x1b[1;33mbackups\x1b[0m" in out
    assert "backup.md" in out
    import re

    assert max(len(re.sub(r"\x1b\[[\d;]*m", "", line)) for line in out.splitlines()) <= 60


def test_text_from_documents_cannot_steer_the_terminal(opsvi: Run) -> None:
    import contextlib
    import os

    from opsvi_cli.context import AppContext
    from opsvi_cli.rag.collections import collection_embedder, create_or_open
    from opsvi_cli.rag.embedding import embed_texts
    from opsvi_cli.sdk import Chunk, DocumentRecord, DocumentWrite

    app = AppContext(env=dict(os.environ))
    text = "wicked \x1b]0;title\x07\x1b[2J text \u202e reversed"
    with contextlib.closing(create_or_open(app, "default")) as store:
        record = DocumentRecord("w", "/x\x1b[31m.txt", "", "", "text/plain", "", "", len(text), 1, app.now())
        vectors = embed_texts(app, collection_embedder(app, store.info), [text])
        store.write([DocumentWrite(record, text, [Chunk("w", "w", text, 0, len(text), 0)], vectors)])
    for color in ("always", "never"):
        out = opsvi("search", "wicked", "--color", color, "-k", 1).out
        assert "\x1b]" not in out
        assert "\x1b[2J" not in out
        assert "\x1b[31m" not in out
        assert "\u202e" not in out
    assert opsvi("search", "wicked", "--json", "-k", 1).json[0]["text"] == text


def test_where(opsvi: Run) -> None:
    rows = opsvi("search", "disk", "--where", 'source ~ "*.eml"', "--json").json
    assert {Path(row["source"]).suffix for row in rows} == {".eml"}
    assert opsvi("search", "disk", "--where", "year > 3000", "--json").json == []
    wrong = opsvi("search", "disk", "--where", "year >=")
    assert (wrong.code, wrong.out) == (2, "")
    assert "at character 8" in wrong.err
    assert "hint: opsvi help filters" in wrong.err


def test_text_from_stdin(opsvi: Run) -> None:
    assert opsvi("search", "--json", stdin="backups\n").json
    assert opsvi("search", "-", "--json", stdin="backups\n").json
    for result in (opsvi("search"), opsvi("search", "", "--json"), opsvi("search", stdin="  \n")):
        assert result.code == 2
        assert "nothing to look for" in result.err


@pytest.mark.parametrize("place", ["-", "queries.jsonl"])
def test_batch(opsvi: Run, tmp_path: Path, place: str) -> None:
    lines = '{"id": "a", "text": "backups"}\n\n{"_id": 7, "query": "disk full"}\n"on call"\n{"text": " "}\n'
    (tmp_path / "queries.jsonl").write_text("\ufeff" + lines, encoding="utf-8")
    result = opsvi("search", "--batch", place, "-k", 1, stdin=lines if place == "-" else None)
    assert result.code == 0, result.err
    for row in result.jsonl:
        jsonschema.validate(row, shape("search-batch"))
    assert [(row["id"], row["query"]) for row in result.jsonl] == [
        ("a", "backups"),
        ("7", "disk full"),
        ("4", "on call"),
        ("5", " "),
    ]
    assert [len(row["hits"]) for row in result.jsonl] == [1, 1, 1, 0]
    as_array = opsvi("search", "--batch", place, "-k", 1, "--json", stdin=lines if place == "-" else None)
    assert as_array.json == result.jsonl
    some = opsvi("search", "--batch", place, "--json=id", stdin=lines if place == "-" else None)
    assert some.json[1] == {"id": "7"}


@pytest.mark.parametrize(
    ("line", "problem"),
    [("{", "line 2 is not JSON"), ("5", "line 2 is not a JSON object"), ('{"id": 1}', "line 2 has no `text`")],
)
def test_a_bad_line_of_a_batch_stops_it_before_anything_is_written(opsvi: Run, line: str, problem: str) -> None:
    result = opsvi("search", "--batch", "-", stdin=f'{{"text": "ok"}}\n{line}\n')
    assert (result.code, result.out) == (2, "")
    assert problem in result.err
    assert "hint:" in result.err


def test_batch_misused(opsvi: Run) -> None:
    assert opsvi("search", "text", "--batch", "-", stdin="").code == 2
    missing = opsvi("search", "--batch", "nowhere.jsonl")
    assert missing.code == 2
    assert "nowhere.jsonl" in missing.err
    assert opsvi("search", "--batch", "-", stdin="").out == ""
    assert opsvi("search", "--batch", "-", "--json", stdin="").json == []


def test_no_results_on_a_fresh_home_is_success(opsvi: Run, home: Path) -> None:
    result = opsvi("search", "zzz", "--json")
    assert (result.code, result.out, result.err) == (0, "[]\n", "")
    assert opsvi("search", "zzz").out == ""
    assert not (home / "data").exists()


def test_a_named_collection_that_is_missing(opsvi: Run) -> None:
    result = opsvi("search", "x", "-c", "defualt")
    assert (result.code, result.out) == (1, "")
    assert "there is no collection 'defualt'" in result.err
    assert "did you mean 'default'?" in result.err
    assert json.loads(opsvi("search", "x", "-c", "no", "--json").err)["error"]["code"] == "not-found"


def test_wrong_flags(opsvi: Run) -> None:
    for args in (["-k", "0"], ["--mode", "magic"], ["--dense-weight", "2"], ["--rerank", "nobody"], ["-c", "../x"]):
        result = opsvi("search", "x", *args)
        assert (result.code, result.out) == (2, ""), args


def test_the_same_search_gives_the_same_bytes(opsvi: Run) -> None:
    assert opsvi("search", "night", "--json").out == opsvi("search", "night", "--json").out
