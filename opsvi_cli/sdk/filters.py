"""The filter language that every store understands, as a tree, and its meaning in plain Python.

`matches` is the reference: a store that filters natively must agree with it. Missing fields equal null; `ne`, `nin`
and `not` are exact complements; an ordering compares numbers with numbers and strings with strings, nothing else.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .documents import JSON

Operator: TypeAlias = Literal["eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "exists", "contains", "glob"]
OPERATORS: tuple[Operator, ...] = ("eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "exists", "contains", "glob")


@dataclass(frozen=True, slots=True)
class Compare:
    """`field op value`. `in`/`nin` take a list; `exists` takes a bool; `glob` takes a shell pattern."""

    field: str
    op: Operator
    value: JSON


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


Filter: TypeAlias = "Compare | And | Or | Not"


def matches(where: Filter | None, values: Mapping[str, JSON]) -> bool:
    """True when `values` (a document's fields and metadata) satisfy `where`; None matches everything."""
    match where:
        case None:
            return True
        case And(parts):
            return all(matches(part, values) for part in parts)
        case Or(parts):
            return any(matches(part, values) for part in parts)
        case Not(part):
            return not matches(part, values)
        case Compare(field, op, wanted):
            return _compare(values.get(field), op, wanted)


def _compare(actual: JSON, op: Operator, wanted: JSON) -> bool:
    match op:
        case "eq":
            return _equal(actual, wanted)
        case "ne":
            return not _equal(actual, wanted)
        case "in":
            return isinstance(wanted, list) and any(_equal(actual, item) for item in wanted)
        case "nin":
            return not _compare(actual, "in", wanted)
        case "exists":
            return (actual is not None) == bool(wanted)
        case "contains":
            if isinstance(actual, list):
                return any(_equal(item, wanted) for item in actual)
            return isinstance(actual, str) and isinstance(wanted, str) and wanted.casefold() in actual.casefold()
        case "glob":
            return isinstance(actual, str) and isinstance(wanted, str) and fnmatch.fnmatchcase(actual, wanted)
        case _:
            return _ordered(actual, op, wanted)


def _equal(a: JSON, b: JSON) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return isinstance(a, bool) and isinstance(b, bool) and a == b
    return a == b


def _number(value: JSON) -> float | int | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _ordered(actual: JSON, op: Operator, wanted: JSON) -> bool:
    left: float | str
    right: float | str
    if (a := _number(actual)) is not None and (b := _number(wanted)) is not None:
        left, right = a, b
    elif isinstance(actual, str) and isinstance(wanted, str):
        left, right = actual, wanted
    else:
        return False
    if left == right:
        return op in ("gte", "lte")
    less = left < right  # type: ignore[operator]  # both are numbers or both are strings
    return less if op in ("lt", "lte") else not less
