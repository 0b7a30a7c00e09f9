"""CSV, JSON and JSON lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opsvi_cli.builtin.processors.csv import Csv
from opsvi_cli.builtin.processors.json import Json, JsonLines
from opsvi_cli.sdk import DocumentError


@pytest.mark.parametrize(
    ("data", "delimiter"),
    [
        (b"name,town\nAda,Ulm\nBob,Rom\n", ","),
        (b"name;price\nAda;1,5\nBob;2,75\n", ";"),
        (b"name\ttown\nAda\tUlm\nBob\tRom\n", "\t"),
        (b"name|town\nAda|Ulm\nBob|Rom\n", "|"),
        (b"sep=;\nname;x\nAda;1\nBob;2\n", ";"),
        ("name;town\nAda;Plzeň\nBob;Rom\n".encode("utf-16"), ";"),
        ("\ufeffname,town\nAda,Ulm\nBob,Rom\n".encode(), ","),
    ],
)
def test_delimiters_and_encodings(read: Any, data: bytes, delimiter: str) -> None:
    (document,) = read(Csv, data, "x.csv")
    assert document.metadata["delimiter"] == delimiter
    assert document.metadata["columns"] == 2
    assert document.metadata["rows"] == 2
    assert document.metadata["header"][0] == "name"
    assert document.text.startswith("| name |")


def test_a_large_table_says_in_every_line_what_its_values_mean(read: Any) -> None:
    rows = "".join(f'{n},"Smith, {n}",\n' for n in range(200))
    (document,) = read(Csv, "id,who,note\n" + rows, "x.csv")
    assert document.text.split("\n")[7] == "id: 7; who: Smith, 7"
    assert document.metadata["rows"] == 200


def test_a_table_without_a_header_keeps_its_first_row(read: Any) -> None:
    (document,) = read(Csv, "1,2\n3,4\n", "x.csv")
    assert document.metadata["header"] == ["column 1", "column 2"]
    assert "| 1 | 2 |" in document.text


def test_cells_cannot_break_the_table(read: Any) -> None:
    (document,) = read(Csv, 'a,b\n"x|y","line\nend"\n', "x.csv")
    assert document.text.split("\n")[2] == "| x\\|y | line end |"


def test_a_quote_that_is_never_closed_loses_no_row(read: Any) -> None:
    (document,) = read(Csv, 'a,b\n"' + "x,y\n" * 400_000 + "last,row\n", "x.csv")
    assert document.text.endswith("a: last; b: row")
    assert "quote" in document.warnings[0]


def test_one_endless_field_is_a_clear_error(read: Any) -> None:
    with pytest.raises(DocumentError, match="field larger than field limit"):
        read(Csv, "a,b\n" + "x" * 2_000_000 + ",1\n", "x.csv")


def test_json_reads_as_paths(read: Any) -> None:
    value = {"title": "Hosts", "up": True, "tags": ["a", "b"], "hosts": [{"name": "db1", "ip": None}, {"name": "db2"}]}
    (document,) = read(Json, json.dumps(value), "x.json")
    assert document.text == (
        "title: Hosts\nup: true\ntags: a, b\n\nhosts[0].name: db1\nhosts[0].ip: null\n\nhosts[1].name: db2"
    )
    assert document.title == "Hosts"
    assert document.metadata == {"title": "Hosts", "up": True}


@pytest.mark.parametrize("bomb", ["[" * 100_000 + "]" * 100_000, '{"a":' * 50_000 + "1" + "}" * 50_000])
def test_deep_json_is_an_error_and_not_a_crash(read: Any, bomb: str) -> None:
    with pytest.raises(DocumentError, match="nested too deeply"):
        read(Json, bomb, "x.json")


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ('{"a": ' + "9" * 10_000 + ', "b": "sentinel"}', "sentinel"),
        ('{"a": NaN, "b": -Infinity, "c": 1e999}', "a: NaN\nb: -Infinity\nc: 1e999"),
        ('\ufeff{"a": "sentinel"}', "a: sentinel"),
    ],
)
def test_odd_json(read: Any, text: str, there: str) -> None:
    (document,) = read(Json, text, "x.json")
    assert there in document.text
    json.dumps(dict(document.metadata), allow_nan=False)


def test_broken_json_is_read_as_text_with_a_warning(read: Any) -> None:
    (document,) = read(Json, '{"a": "sentinel",}', "x.json")
    assert "sentinel" in document.text
    assert "not valid JSON" in document.warnings[0]


def test_json_lines_under_the_name_of_json(read: Any) -> None:
    assert len(read(Json, '{"text": "one"}\n{"text": "two"}\n', "x.json")) == 2


def test_json_lines(read: Any) -> None:
    rows = [
        '{"_id": "d1", "title": " A  title", "text": "words", "year": 2024, "metadata": {"lang": "en"}}',
        "",
        "{broken",
        '{"id": 7, "content": "more"}',
        '{"body": "third", "n": [1]}',
        '{"other": "no text"}',
        '{"_id": "d1", "text": "again"}',
        '"bare"',
    ]
    found = read(JsonLines, "\n".join(rows), "x.jsonl")
    assert [(d.id, d.part, d.text) for d in found] == [
        ("d1", "d1", "words"),
        ("7", "7", "more"),
        ("", "line:5", "third"),
        ("", "line:6", '{"other": "no text"}'),
        ("", "line:7", "again"),
        ("", "line:8", "bare"),
    ]
    assert found[0].title == "A title"
    assert found[0].metadata == {"year": 2024, "lang": "en", "line": 1}
    assert "line 3" in found[0].warnings[0]
    assert "line 7" in found[0].warnings[1]
    assert len({d.part for d in found}) == len(found)


def test_no_good_line_at_all(read: Any) -> None:
    with pytest.raises(DocumentError, match="line 1 is not JSON"):
        read(JsonLines, "nope\n", "x.jsonl")
