"""Short field notation for schemas: `name, age int, tags [str]` becomes a JSON Schema.

    fields      field, separated by commas or line ends
    field       NAME [TYPE] [?] [: DESCRIPTION]         `?` lets it be null
    TYPE        str (the default), int, float, bool, date
                good|bad|"so so"                        one of these words
                [TYPE]                                  a list
                {fields}                                an object
    whole       fields, or [fields] for a list of such objects under the name `items`

A description ends at the comma or, where the fields stand on lines of their own, at the end of the line; in double
quotes it may hold both. Every field is required and no other is allowed, which is what strict modes of servers ask for.
"""

from __future__ import annotations

import re
from typing import NoReturn

from opsvi_cli.errors import UsageError
from opsvi_cli.sdk import JSON

_DEEPEST = 20
_SPACE = re.compile(r"[ \t\r]*")
_GAPS = re.compile(r"[\s,]*")
_NAME = re.compile(r"[^\W\d][\w-]*")
_WORD = re.compile(r'"[^"\n]*"|[\w.+-]+')
_QUOTED = re.compile(r'"([^"]*)"')
_SHAPE = re.compile(r"\s*\[|\s*[^\W\d][\w-]*\s*(?:$|[,:?\[{\n]|\s[\w\"\[{])")
DATE_PATTERN = r"^\d{4}-\d{2}-\d{2}$"
_TYPES: dict[str, dict[str, JSON]] = {
    "str": {"type": "string"},
    "string": {"type": "string"},
    "int": {"type": "integer"},
    "integer": {"type": "integer"},
    "float": {"type": "number"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date", "pattern": DATE_PATTERN},
}


def looks_like_fields(text: str) -> bool:
    """True for what can only be field notation, and is neither JSON nor the name of a file."""
    return _SHAPE.match(text) is not None


def fields_schema(text: str) -> dict[str, JSON]:
    """The JSON Schema that a text in field notation means. Raises UsageError that shows where it goes wrong."""
    parser = _Parser(text)
    parser.skip(_GAPS)
    listed = parser.peek() == "["
    schema = parser.list_of_records() if listed else parser.fields("")
    parser.skip(_GAPS)
    if parser.peek():
        parser.fail("a comma or a line end")
    if listed:
        return _closed({"items": schema})
    return schema


def _closed(properties: dict[str, JSON]) -> dict[str, JSON]:
    required: list[JSON] = [*properties]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self._text, self._at):
            self._at = match.end()

    def take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            return ""
        self._at = match.end()
        return match[0]

    def fail(self, expected: str) -> NoReturn:
        rest = self._text[self._at :].split("\n", 1)[0][:30]
        where = f"at {rest!r}" if rest.strip() else "at the end"
        raise UsageError(f"--schema: {where}: expected {expected}", hint="e.g. --schema 'name, age int, tags [str]'")

    def expect(self, character: str) -> None:
        self.skip(_GAPS)
        if self.peek() != character:
            self.fail(f"`{character}`")
        self._at += 1

    def enter(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            self.fail("fewer brackets in one another")

    def fields(self, end: str) -> dict[str, JSON]:
        """An object's fields up to `end`, which is not taken; empty: the end of the text."""
        lines = self._on_lines(end)
        properties: dict[str, JSON] = {}
        self.skip(_GAPS)
        while self.peek() and self.peek() != end:
            name = self.take(_NAME)
            if not name:
                self.fail("the name of a field")
            if name in properties:
                raise UsageError(f"--schema: the field {name!r} stands there twice", hint="give each its own name")
            properties[name] = self._field(end, lines)
            self.skip(_SPACE)
            if self.peek() not in (",", "\n", end):
                self.fail("a type, a comma or a line end")
            self.skip(_GAPS)
        if not properties:
            self.fail("the name of a field")
        return _closed(properties)

    def list_of_records(self) -> dict[str, JSON]:
        """`[name, age int]`, also written `[{name, age int}]`; `[str]` is a list of texts."""
        self.expect("[")
        self.skip(_GAPS)
        start = self._at
        plain = self.take(_NAME) in _TYPES
        self.skip(_GAPS)
        plain = plain and self.peek() == "]"
        self._at = start
        items = self._type() if plain or self.peek() in ("{", "[") else self.fields("]")
        self.expect("]")
        return {"type": "array", "items": items}

    def _field(self, end: str, lines: bool) -> JSON:
        optional = self._question()
        self.skip(_SPACE)
        untyped = self.peek() in (",", ":", "\n", "?", end)
        schema = dict(_TYPES["str"]) if untyped else self._type()
        if self._question() or optional:
            schema = _nullable(schema)
        self.skip(_SPACE)
        if self.peek() == ":":
            self._at += 1
            self.skip(_SPACE)
            start = self._at
            description = self._description(end, lines)
            if untyped and description in _TYPES and self._text[start] != '"':
                # `age: int` is meant as in most languages; taken for a description it would be a text.
                self._at = start
                self.fail("a description: the type stands before the colon, `age int`")
            if description:
                schema["description"] = description
        return schema

    def _question(self) -> bool:
        self.skip(_SPACE)
        if self.peek() == "?":
            self._at += 1
            return True
        return False

    def _type(self) -> dict[str, JSON]:
        self.enter()
        schema = self._type_inside()
        self._depth -= 1
        return schema

    def _type_inside(self) -> dict[str, JSON]:
        if self.peek() == "[":
            self._at += 1
            self.skip(_GAPS)
            items = self._type()
            self.expect("]")
            return {"type": "array", "items": items}
        if self.peek() == "{":
            self._at += 1
            schema = self.fields("}")
            self.expect("}")
            return schema
        start = self._at
        words = [self.take(_WORD)]
        while words[-1] and self.peek() == "|":
            self._at += 1
            words.append(self.take(_WORD))
        if not words[-1]:
            self.fail("a word" if len(words) > 1 else "a type")
        if len(words) > 1:
            choices: list[JSON] = [word.strip('"') for word in dict.fromkeys(words)]
            return {"type": "string", "enum": choices}
        if words[0] not in _TYPES:
            self._at = start
            self.fail("a type: str, int, float, bool, date, a|b, [TYPE] or {fields}")
        return dict(_TYPES[words[0]])

    def _description(self, end: str, lines: bool) -> str:
        self.skip(_SPACE)
        if match := _QUOTED.match(self._text, self._at):
            self._at = match.end()
            return " ".join(match[1].split())
        stops = f"\n{end}" if lines else f"\n,{end}"
        start = self._at
        while self.peek() and self.peek() not in stops:
            self._at += 1
        return self._text[start : self._at].strip().rstrip(",")

    def _on_lines(self, end: str) -> bool:
        """True when the fields up to `end` stand on lines of their own."""
        depth = 0
        fields = False
        for character in self._text[self._at :]:
            if depth == 0 and character == end:
                break
            depth += (character in "[{") - (character in "]}")
            if character == "\n" and depth == 0 and fields:
                return True
            fields = fields or not (character.isspace() or character == ",")
        return False


def _nullable(schema: dict[str, JSON]) -> dict[str, JSON]:
    made: dict[str, JSON] = {**schema, "type": [schema["type"], "null"]}
    if isinstance(choices := schema.get("enum"), list):
        made["enum"] = [*choices, None]
    return made
