"""The hits of many queries: a JSON line each, as soon as it is known, or one array under --json."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from opsvi_cli.context import AppContext
from opsvi_cli.sdk import Hit

from .answers import hit_record
from .output import dump, pick

FIELDS = ("id", "query", "hits")


class Asked(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def text(self) -> str: ...


def show_batch(app: AppContext, results: Iterable[tuple[Asked, Sequence[Hit]]]) -> None:
    pick(app, dict.fromkeys(FIELDS), FIELDS)
    rows = (
        pick(app, {"id": query.id, "query": query.text, "hits": [hit_record(hit) for hit in hits]}, FIELDS)
        for query, hits in results
    )
    if app.options.json is not None and not app.options.jsonl:
        app.out.write(dump(list(rows), indent=2) + "\n")
        return
    for row in rows:
        app.out.write(dump(row) + "\n")
        app.out.flush()
