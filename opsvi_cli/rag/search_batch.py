"""Many queries from a JSONL file: `{"id": ..., "text": ...}` a line, answered over a collection opened once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import UsageError

from .search import Query

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_HINT = 'a line is {"id": "q1", "text": "disk full"}'


def read_queries(app: AppContext, place: str) -> list[Query]:
    """The queries of a file, or of stdin for `-`. Read whole, so that a bad line is found before anything is done.

    A line without `id` (or `_id`) has its number as id. Raises UsageError that names the line.
    """
    if place == "-":
        data = app.read_stdin_bytes()
    else:
        try:
            data = Path(app.cwd, place).expanduser().read_bytes()
        except OSError as error:
            raise UsageError(f"--batch: {place}: {error.strerror or error}", hint="check the path") from error
    lines = data.decode("utf-8-sig", errors="replace").split("\n")
    return [_query(line, number, place) for number, line in enumerate(lines, 1) if line.strip()]


def _query(line: str, number: int, place: str) -> Query:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--batch: {place}, line {number} is not JSON", hint=_HINT) from error
    if isinstance(value, str):
        value = {"text": value}
    if not isinstance(value, dict):
        raise UsageError(f"--batch: {place}, line {number} is not a JSON object", hint=_HINT)
    text = value.get("text", value.get("query"))
    if not isinstance(text, str):
        raise UsageError(f"--batch: {place}, line {number} has no `text` or `query`", hint=_HINT)
    id_ = value.get("id", value.get("_id", number))
    return Query(str(id_), text)
