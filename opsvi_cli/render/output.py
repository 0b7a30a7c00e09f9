"""Rows and records to stdout: a table for people, tab-separated lines in a pipe, JSON or JSON lines for programs.

Messages go to stderr. Text that comes from documents or models is made safe for terminals here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.foundation.files import write_atomic
from opsvi_cli.foundation.terminal import plain

Row = Mapping[str, Any]


def message(app: AppContext, text: str) -> None:
    """A line for people, on stderr; silent under -q, redacted."""
    if not app.options.quiet:
        app.err.write(app.redactor.redact(plain(text)) + "\n")
        app.err.flush()


def write(app: AppContext, text: str) -> None:
    """Text for people or pipes, with control characters taken out when stdout is a terminal."""
    app.out.write(plain(text) if app.is_terminal(app.out) else text)


def save(app: AppContext, file: str, text: str) -> None:
    """A file that the user named, whole and for their eyes only; `-` is stdout. Raises OpsviError."""
    if file == "-":
        write(app, text)
        return
    path = Path(app.cwd, file).expanduser()
    try:
        write_atomic(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise OpsviError(f"{path}: {error.strerror or error}", hint="name a file that can be written") from error
    message(app, f"wrote {path}")


def pick(app: AppContext, row: Row, fields: Sequence[str]) -> dict[str, Any]:
    """The fields that --json=a,b asked for, in that order. Raises UsageError that lists what there is."""
    wanted = app.options.json or ()
    for name in wanted:
        if name not in fields:
            listed = ", ".join(fields)
            raise UsageError(
                f"--json: there is no field {name!r}. Available fields: {listed}", hint=f"--json={fields[0]}"
            )
    return {name: row[name] for name in wanted} if wanted else dict(row)


def dump(value: Any, *, indent: int | None = None) -> str:
    """JSON as opsvi prints it: UTF-8, lone surrogates replaced, in the order given."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    return text.encode("utf-8", "replace").decode("utf-8")


def show_rows(
    app: AppContext,
    rows: Iterable[Row],
    fields: Sequence[str],
    *,
    columns: Sequence[str] | None = None,
    empty: str = "",
) -> None:
    """Print rows that have all of `fields`. People see `columns` of them; `empty` is said when there is no row."""
    pick(app, dict.fromkeys(fields), fields)
    if app.options.jsonl:
        for row in rows:
            app.out.write(dump(pick(app, row, fields)) + "\n")
            app.out.flush()
        return
    if app.options.json is not None:
        app.out.write(dump([pick(app, row, fields) for row in rows], indent=2) + "\n")
        return
    _show_table(app, list(rows), columns or fields, empty)


def _show_table(app: AppContext, rows: Sequence[Row], columns: Sequence[str], empty: str) -> None:
    if not rows and empty and app.is_terminal(app.err):
        message(app, empty)
    cells = [[_cell(row[name]) for name in columns] for row in rows]
    if not app.is_terminal(app.out) and not app.use_color:
        for line in cells:
            app.out.write("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in line) + "\n")
    elif rows:
        from .tables import print_table

        print_table(app, columns, cells)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_cell(item) for item in value)
    return plain(dump(value) if isinstance(value, dict) else str(value))


def show_record(app: AppContext, record: Row, human: Callable[[], str], *, fields: Sequence[str] | None = None) -> None:
    """Print one record: JSON for programs, `human()` for people."""
    if app.options.machine:
        kept = pick(app, record, fields or list(record))
        app.out.write(dump(kept, indent=None if app.options.jsonl else 2) + "\n")
    else:
        text = human()
        write(app, text if text.endswith("\n") or not text else text + "\n")
