"""Vectors as JSON: lines as soon as they are known, or one array under --json."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from opsvi_cli.context import AppContext

from .output import dump, pick

FIELDS = ("text", "embedding")


def show_vectors(app: AppContext, rows: Iterable[tuple[str, Sequence[float]]]) -> None:
    pick(app, dict.fromkeys(FIELDS), FIELDS)
    records = (pick(app, {"text": text, "embedding": list(vector)}, FIELDS) for text, vector in rows)
    if app.options.json is not None and not app.options.jsonl:
        app.out.write(dump(list(records)) + "\n")
        return
    for record in records:
        app.out.write(dump(record) + "\n")
        app.out.flush()
