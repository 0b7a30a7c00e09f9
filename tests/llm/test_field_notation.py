"""Field notation: what each spelling means as a JSON Schema, and where a mistake is shown."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from opsvi_cli.builtin.openai_request import is_strict
from opsvi_cli.errors import UsageError
from opsvi_cli.llm.field_notation import fields_schema, looks_like_fields

STR = {"type": "string"}


def properties(text: str) -> Any:
    return fields_schema(text)["properties"]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("name", {"name": STR}),
        ("name, age int", {"name": STR, "age": {"type": "integer"}}),
        ("name\nage int,\nok bool\n", {"name": STR, "age": {"type": "integer"}, "ok": {"type": "boolean"}}),
        ("height float", {"height": {"type": "number"}}),
        ("tags [str]", {"tags": {"type": "array", "items": STR}}),
        ("grid [[int]]", {"grid": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}}),
        ('mood good|bad|"so so"', {"mood": {"type": "string", "enum": ["good", "bad", "so so"]}}),
        ("age int?", {"age": {"type": ["integer", "null"]}}),
        ("age? int", {"age": {"type": ["integer", "null"]}}),
        ("mood a|b?", {"mood": {"type": ["string", "null"], "enum": ["a", "b", None]}}),
        (
            "name: the full name, age int: in years",
            {
                "name": {**STR, "description": "the full name"},
                "age": {"type": "integer", "description": "in years"},
            },
        ),
        (
            "name: first, then last\nage int",
            {
                "name": {**STR, "description": "first, then last"},
                "age": {"type": "integer"},
            },
        ),
        (
            'name: "first, then last", age int',
            {
                "name": {**STR, "description": "first, then last"},
                "age": {"type": "integer"},
            },
        ),
        ("größe int, full-name", {"größe": {"type": "integer"}, "full-name": STR}),
    ],
)
def test_fields(text: str, means: dict[str, Any]) -> None:
    assert looks_like_fields(text)
    assert properties(text) == means


def test_objects_and_lists_of_objects() -> None:
    point = {
        "type": "object",
        "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "description": "up"}},
        "required": ["x", "y"],
        "additionalProperties": False,
    }
    assert properties("at {x int, y int: up}") == {"at": point}
    assert properties("path [{x int, y int: up}], n int")["path"] == {"type": "array", "items": point}
    for text in ("[x int, y int: up]", "[{x int, y int: up}]", "[\n x int\n y int: up\n]"):
        assert properties(text) == {"items": {"type": "array", "items": point}}
    assert properties("[str]") == {"items": {"type": "array", "items": STR}}


@pytest.mark.parametrize("text", ["a, b int?", "[a {b [c|d]}]", "when date"])
def test_what_it_gives_is_a_valid_schema_for_strict_modes(text: str) -> None:
    schema = fields_schema(text)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert is_strict(schema)


def test_dates_are_checked() -> None:
    schema = fields_schema("when date")
    jsonschema.validate({"when": "2026-11-24"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"when": "tomorrow"}, schema)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("age itn", "at 'itn': expected a type"),
        ("a, a", "'a' stands there twice"),
        ("a [int", "at the end: expected `]`"),
        ("a {b", "expected"),
        ("a b|", "expected a word"),
        ("a int int", "at 'int': expected a type, a comma or a line end"),
        ("age: int", "the type stands before the colon"),
        ("name str, age : int, b", "at 'int, b': expected a description"),
        ("[a] b", "at 'b': expected a comma"),
        ("", "expected the name of a field"),
        ("1a", "expected the name of a field"),
        ("a " + "[" * 40 + "str" + "]" * 40, "fewer brackets"),
    ],
)
def test_mistakes_are_shown_where_they_are(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        fields_schema(text)
    assert says in caught.value.message
    assert "e.g. --schema" in caught.value.hint or "name" in caught.value.hint


@pytest.mark.parametrize("text", ["city.json", "schemas/city.json", "./city", "{}", '{"type": "object"}', "1"])
def test_files_and_json_are_not_fields(text: str) -> None:
    assert not looks_like_fields(text)


def test_a_description_may_be_the_name_of_a_type() -> None:
    fields = fields_schema('born: "date", kind str: string, what: int the number')["properties"]
    assert isinstance(fields, dict)
    assert [field["description"] for field in fields.values()] == ["date", "string", "int the number"]
