"""Filters as SQL over the table `documents`, meaning exactly what `sdk.matches` says.

A comparison that SQLite might answer differently (fractions read back from JSON, case folding, shell patterns, names
with quotes) is handed, row by row, to `sdk.matches` itself through the SQL function `opsvi_matches`. Every leaf is 0
or 1 and never NULL, so NOT is the exact complement.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable

from opsvi_cli.sdk import JSON, And, Compare, Filter, Not, Or, matches

_COLUMNS = {"source": "source", "document_id": "id"}
"""Fields that metadata cannot override (`DocumentRecord.fields`)."""
_MAY_BE_OVERRIDDEN = ("title", "media_type", "ingested")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .-]*")
_ORDERS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_MAX_LEAVES = 100
_FUNCTION = "opsvi_matches"


def compile_filter(connection: sqlite3.Connection, where: Filter) -> tuple[str, list[object]]:
    """(condition, parameters) for `SELECT ... FROM documents WHERE condition`.

    It holds until the next call for the same connection: the leaves left to Python are kept there.
    """
    compiler = _Compiler()
    sql = compiler.left_to_python(where) if _leaves(where) > _MAX_LEAVES else compiler.tree(where)
    connection.create_function(_FUNCTION, 7, _evaluator(compiler.leaves))
    return sql, compiler.parameters


def _leaves(where: Filter) -> int:
    match where:
        case And(parts) | Or(parts):
            return 1 + sum(_leaves(part) for part in parts)
        case Not(part):
            return 1 + _leaves(part)
        case Compare(_, "in" | "nin", list(wanted)):
            return 1 + len(wanted)
        case _:
            return 1


def _evaluator(leaves: list[Filter]) -> Callable[..., bool]:
    def evaluate(leaf: int, id_: str, source: str, title: str, media_type: str, ingested: str, metadata: str) -> bool:
        own = {"document_id": id_, "source": source, "title": title, "media_type": media_type, "ingested": ingested}
        return matches(leaves[leaf], {**own, **json.loads(metadata), "source": source, "document_id": id_})

    return evaluate


class _Compiler:
    def __init__(self) -> None:
        self.parameters: list[object] = []
        self.leaves: list[Filter] = []

    def tree(self, where: Filter) -> str:
        match where:
            case And(parts):
                return "(" + " AND ".join([self.tree(part) for part in parts] or ["1"]) + ")"
            case Or(parts):
                return "(" + " OR ".join([self.tree(part) for part in parts] or ["0"]) + ")"
            case Not(part):
                return f"(NOT {self.tree(part)})"
            case Compare():
                return self._compare(where)

    def left_to_python(self, where: Filter) -> str:
        self.leaves.append(where)
        return f"{_FUNCTION}({len(self.leaves) - 1}, id, source, title, media_type, ingested, metadata)"

    def _compare(self, leaf: Compare) -> str:
        match leaf.op:
            case "ne":
                return f"(NOT {self._compare(Compare(leaf.field, 'eq', leaf.value))})"
            case "nin":
                return f"(NOT {self._compare(Compare(leaf.field, 'in', leaf.value))})"
            case "in" if isinstance(leaf.value, list):
                parts = [self._compare(Compare(leaf.field, "eq", item)) for item in leaf.value]
                return "(" + " OR ".join(parts or ["0"]) + ")"
            case "in":
                return "0"
        if isinstance(leaf.value, str) and not _can_be_bound(leaf.value):
            return self.left_to_python(leaf)
        if leaf.field in _COLUMNS:
            return self._column(leaf, _COLUMNS[leaf.field])
        if leaf.field in _MAY_BE_OVERRIDDEN:
            missing = f"json_type(metadata, '$.\"{leaf.field}\"') IS NULL"
            return f"(CASE WHEN {missing} THEN {self._column(leaf, leaf.field)} ELSE {self.left_to_python(leaf)} END)"
        if not _PLAIN_NAME.fullmatch(leaf.field):
            return self.left_to_python(leaf)
        return self._json(leaf, f"'$.\"{leaf.field}\"'")

    def _column(self, leaf: Compare, column: str) -> str:
        """A field that is always a string."""
        if leaf.op == "exists":
            return "1" if leaf.value else "0"
        if leaf.op == "contains" or (leaf.op == "glob" and not _same_in_sqlite(leaf.value)):
            return self.left_to_python(leaf)
        if not isinstance(leaf.value, str):
            return "0"
        if leaf.op == "glob":
            return f"({column} GLOB {self._bind(leaf.value)})"
        return f"({column} {_ORDERS.get(leaf.op, '=')} {self._bind(leaf.value)})"

    def _json(self, leaf: Compare, path: str) -> str:
        kind, value = f"json_type(metadata, {path})", f"json_extract(metadata, {path})"
        wanted = leaf.value
        if leaf.op == "exists":
            return f"(coalesce({kind}, 'null') {'<>' if wanted else '='} 'null')"
        if leaf.op in ("contains", "glob"):
            return self.left_to_python(leaf)
        sign = _ORDERS.get(leaf.op, "=")
        if leaf.op == "eq" and wanted is None:
            return f"(coalesce({kind}, 'null') = 'null')"
        if leaf.op == "eq" and isinstance(wanted, bool):
            return f"(coalesce({kind}, 'null') = '{'true' if wanted else 'false'}')"
        if isinstance(wanted, str):
            return f"(CASE {kind} WHEN 'text' THEN {value} {sign} {self._bind(wanted)} ELSE 0 END)"
        if _is_small_integer(wanted):
            # 'integer' may be too long for 64 bits, then SQLite gives a fraction; fractions are read inexactly.
            python = self.left_to_python(leaf)
            compared = f"CASE typeof({value}) WHEN 'integer' THEN {value} {sign} {self._bind(wanted)} ELSE {python} END"
            return f"(CASE {kind} WHEN 'integer' THEN {compared} WHEN 'real' THEN {python} ELSE 0 END)"
        return self.left_to_python(leaf)

    def _bind(self, value: JSON) -> str:
        # Numbered, because a condition may come out twice and in another order than it was bound in.
        self.parameters.append(value)
        return f"?{len(self.parameters)}"


def _can_be_bound(text: str) -> bool:
    return text.isprintable() or not re.search("[\\x00\ud800-\udfff]", text)


def _is_small_integer(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**62


def _same_in_sqlite(pattern: JSON) -> bool:
    """GLOB agrees with fnmatch on `*` and `?`; sets (`[!a]`) differ, and many stars are slow."""
    return isinstance(pattern, str) and "[" not in pattern and pattern.count("*") <= 3 and len(pattern) <= 500
