"""The filter language of `--where`: `year >= 2020 and source ~ "*.pdf"`, read into the SDK's filter tree.

    filter     = and-part { "or" and-part }
    and-part   = not-part { "and" not-part }
    not-part   = "not" not-part | "(" filter ")" | comparison
    comparison = field ( "==" | "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "contains" ) value
               | field [ "not" ] "in" "(" value { "," value } ")"
               | field [ "not" ] "exists"
    value      = number | "string" | 'string' | true | false | null | word

A field is a word of letters, digits, `_`, `.`, `-`, or any name in backquotes. The words `and`, `in` ... may be written
in capitals. A value without quotes may be a word: `lang == de`.
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

from opsvi_cli.errors import UsageError
from opsvi_cli.sdk import JSON, And, Compare, Filter, Not, Operator, Or

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<operator>==|!=|<=|>=|=|<|>|~|\(|\)|,)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<name>`[^`]+`)
      | (?P<word>[\w.+:/@*?-]+)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATORS: dict[str, Operator] = {
    "==": "eq",
    "=": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "lte",
    ">": "gt",
    ">=": "gte",
    "~": "glob",
    "contains": "contains",
}
_FIELD = re.compile(r"[^\W\d][\w.-]*")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_RESERVED = {"and", "or", "not", "in", "exists", "contains"}
_CONSTANTS: dict[str, JSON] = {"true": True, "false": False, "null": None, "none": None}
_ESCAPES = {"n": "\n", "t": "\t"}
_DEEPEST = 50


class _Token(NamedTuple):
    kind: str
    text: str
    position: int

    @property
    def key(self) -> str:
        """The word or sign as the grammar knows it; empty for strings and quoted names."""
        return self.text.casefold() if self.kind in ("word", "operator") else ""


def parse_where(text: str) -> Filter:
    """The filter that a text means. Raises UsageError of one line that says where it stops making sense."""
    parser = _Parser(text)
    where = parser.filter(0)
    if parser.token.kind != "end":
        parser.fail("expected `and`, `or` or the end")
    return where


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._cut()
        self._next = 0

    @property
    def token(self) -> _Token:
        return self._tokens[self._next]

    def _cut(self) -> list[_Token]:
        tokens: list[_Token] = []
        position = 0
        while position < len(self._text):
            match = _TOKEN.match(self._text, position)
            if match is None:
                char = self._text[position]
                problem = "this quote is not closed" if char in "\"'`" else f"{char!r} has no meaning here"
                self._fail_at(position, problem)
            if match.lastgroup != "space":
                tokens.append(_Token(str(match.lastgroup), match[0], position))
            position = match.end()
        return [*tokens, _Token("end", "", len(self._text.rstrip()))]

    def fail(self, expected: str) -> NoReturn:
        found = "the end" if self.token.kind == "end" else repr(self.token.text)
        self._fail_at(self.token.position, f"{expected}, found {found}")

    def _fail_at(self, position: int, problem: str) -> NoReturn:
        around = self._text[max(0, position - 25) : position].replace("\n", " ")
        after = self._text[position : position + 25].replace("\n", " ")
        raise UsageError(
            f"--where: {problem}, at character {position + 1}: {around}→{after}", hint="opsvi help filters"
        )

    def _take(self) -> _Token:
        token = self.token
        if token.kind != "end":
            self._next += 1
        return token

    def _skip(self, key: str) -> bool:
        if self.token.key != key:
            return False
        self._take()
        return True

    def _expect(self, key: str) -> None:
        if not self._skip(key):
            self.fail(f"expected {key!r}")

    def filter(self, depth: int) -> Filter:
        parts = [self._and(depth)]
        while self._skip("or"):
            parts.append(self._and(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self, depth: int) -> Filter:
        parts = [self._not(depth)]
        while self._skip("and"):
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _not(self, depth: int) -> Filter:
        if depth > _DEEPEST:
            self.fail(f"nested more than {_DEEPEST} deep")
        if self._skip("not"):
            return Not(self._not(depth + 1))
        if self._skip("("):
            inside = self.filter(depth + 1)
            self._expect(")")
            return inside
        return self._comparison()

    def _comparison(self) -> Filter:
        field = self._field()
        negated = self._skip("not")
        if self._skip("in"):
            return Compare(field, "nin" if negated else "in", self._list())
        if self._skip("exists"):
            return Compare(field, "exists", not negated)
        if negated:
            self.fail("expected `in` or `exists` after `not`")
        operator = _OPERATORS.get(self.token.key)
        if operator is None:
            self.fail("expected a comparison (== != < <= > >= ~ in contains exists)")
        self._take()
        return self._compare(field, operator)

    def _compare(self, field: str, operator: Operator) -> Filter:
        start = self.token
        value = self._value()
        if operator == "glob" and not isinstance(value, str):
            self._fail_at(start.position, '`~` takes a pattern in quotes, e.g. source ~ "*.pdf"')
        if operator in ("lt", "lte", "gt", "gte") and (value is None or isinstance(value, bool)):
            self._fail_at(start.position, "only numbers and strings have an order")
        return Compare(field, operator, value)

    def _field(self) -> str:
        token = self.token
        if token.kind == "name":
            return self._take().text[1:-1]
        if token.kind != "word" or token.key in _RESERVED or not _FIELD.fullmatch(token.text):
            self.fail("expected the name of a field")
        return self._take().text

    def _list(self) -> list[JSON]:
        self._expect("(")
        values: list[JSON] = []
        if self._skip(")"):
            return values
        values.append(self._value())
        while self._skip(","):
            values.append(self._value())
        self._expect(")")
        return values

    def _value(self) -> JSON:
        token = self.token
        if token.kind == "string":
            self._take()
            return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), token.text[1:-1], flags=re.DOTALL)
        if token.kind != "word" or token.key in _RESERVED:
            self.fail("expected a value")
        self._take()
        if token.key in _CONSTANTS:
            return _CONSTANTS[token.key]
        return self._number(token) if _NUMBER.fullmatch(token.text) else token.text

    def _number(self, token: _Token) -> int | float:
        digits = token.text.lstrip("+")
        if len(digits) > 300:
            self._fail_at(token.position, "this number is too long")
        try:
            return int(digits)
        except ValueError:
            number = float(digits)
        if number in (float("inf"), float("-inf")):
            self._fail_at(token.position, "this number is too large")
        return number
