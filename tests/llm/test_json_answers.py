"""Answers under a schema: the JSON is found among words, and what does not fit says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opsvi_cli.errors import UsageError
from opsvi_cli.llm.code_blocks import code_blocks
from opsvi_cli.llm.json_answers import UnfitAnswerError, check_answer, read_schema

GOOD = {"city": "Ulm", "people": 126}
TEXT = json.dumps(GOOD)
SCHEMA = read_schema("city, people int", ".")


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"\n {TEXT}\n",
        f"```json\n{TEXT}\n```",
        f"Here you are:\n\n~~~\n{TEXT}\n~~~\nAnything else?",
        f"```python\nx = 1\n```\n\n```json\n{TEXT}\n```\n",
        f"The answer is {TEXT}, I think [1].",
        f'First I thought {{"city": 1}}, then {TEXT}.',
        f"{{braces}} and {TEXT}",
    ],
)
def test_json_is_found(text: str) -> None:
    assert check_answer(text, SCHEMA, "m") == GOOD


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("no json", "it is not JSON"),
        ("", "it is not JSON"),
        ('{"city": "Ulm", "people": "many"}', "people: 'many' is not of type 'integer'"),
        ('so: {"city": "Ulm"}', "'people' is a required property"),
        ("[" * 100_000, "it is not JSON"),
        ("{" * 100_000, "it is not JSON"),
    ],
)
def test_what_does_not_fit_says_why(text: str, says: str) -> None:
    with pytest.raises(UnfitAnswerError) as caught:
        check_answer(text, SCHEMA, "m")
    assert says in caught.value.message
    assert says in caught.value.problem


def test_where_a_schema_is_read_from(tmp_path: Path) -> None:
    (tmp_path / "city.json").write_text(json.dumps(SCHEMA))
    (tmp_path / "city").write_text("city\npeople int: how many, about\n")
    assert read_schema("city.json", str(tmp_path)) == read_schema("@city.json", str(tmp_path)) == SCHEMA
    from_file = read_schema("city", str(tmp_path))
    assert from_file["properties"]["people"]["description"] == "how many, about"  # type: ignore[index, call-overload]
    assert read_schema("city", str(tmp_path / "elsewhere")) == read_schema("city str", ".")
    for wrong in ("none.json", "@none", "nul\0.json", '{"type": 7}', "{", "[1]"):
        with pytest.raises(UsageError, match="--schema"):
            read_schema(wrong, str(tmp_path))


def test_code_blocks_as_commonmark_reads_them() -> None:
    text = "a\n```py\nx = 1\n```\n- b\n  ~~~sh\n  ls\n  ~~~\n> ````\n> ``` inside\n> ````\n    indented\n`inline`\n"
    assert [(block.language, block.text) for block in code_blocks(text)] == [
        ("py", "x = 1\n"),
        ("sh", "ls\n"),
        ("", "``` inside\n"),
    ]
    assert code_blocks("no block") == []


def test_an_empty_block_is_no_code() -> None:
    """Backticks within a line, then a fence that is never closed: a pipe must not get nothing for code."""
    assert code_blocks("see ```py\nx=1\n``` ok") == []
    assert code_blocks("```\n\n```\n") == []


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}', 'so: {"a": NaN}'])
def test_what_json_cannot_say_is_no_answer(text: str) -> None:
    with pytest.raises(UnfitAnswerError, match="not JSON"):
        check_answer(text, read_schema("a float", "."), "m")


def test_a_pattern_has_an_end() -> None:
    schema = read_schema('{"type": "string", "pattern": "^(a+)+$"}', ".")
    assert check_answer('"aaa"', schema, "m") == "aaa"
    with pytest.raises(UnfitAnswerError, match="'b' does not match"):
        check_answer('"b"', schema, "m")
    with pytest.raises(UnfitAnswerError, match="more work than an answer is worth"):
        check_answer(f'"{"a" * 60}b"', schema, "m")


def test_a_date_needs_no_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("opsvi_cli.foundation.bounded.call_bounded")
    assert check_answer('{"d": "2026-01-31"}', read_schema("d date", "."), "m") == {"d": "2026-01-31"}


def test_a_schema_that_goes_round() -> None:
    with pytest.raises(UnfitAnswerError, match="more work than an answer is worth"):
        check_answer("1", read_schema('{"$ref": "#"}', "."), "m")
    with pytest.raises(UsageError, match="cannot be resolved"):
        check_answer("1", read_schema('{"$ref": "#/nope"}', "."), "m")
    with pytest.raises(UsageError, match=r"`\$schema` is a text"):
        read_schema('{"$schema": 5}', ".")


def test_a_schema_whose_work_doubles_at_each_level_comes_to_an_end() -> None:
    levels = {f"l{n}": {"allOf": [{"$ref": f"#/$defs/l{n + 1}"}] * 2} for n in range(40)}
    schema = {"$defs": {**levels, "l40": {}}, "$ref": "#/$defs/l0"}
    with pytest.raises(UnfitAnswerError, match="more work than an answer is worth"):
        check_answer("{}", schema, "m")


def test_a_long_answer_is_held_against_its_schema() -> None:
    schema = {"type": "array", "items": read_schema("n int, name", ".")}
    rows = [{"n": n, "name": str(n)} for n in range(5000)]
    assert check_answer(json.dumps(rows), schema, "m") == rows
