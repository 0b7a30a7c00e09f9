"""How an ingest looks: a bar on a terminal, lines in a pipe, JSON for programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from opsvi_cli.context import AppContext
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.rag.report import Entry, IngestReport

from .bar import Bar
from .output import dump, message, pick

_SHOWN = 20
FIELDS = ("source", "document_id", "status", "reason", "chunks")


def shown(app: AppContext, source: str) -> str:
    """A source for people: relative to the current folder where that is shorter, on one line, safe for terminals."""
    if source.startswith("/"):
        near = os.path.relpath(source, app.cwd)
        source = near if len(near) < len(source) else source
    return plain(source.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r"))


class IngestProgress:
    """Listens to an ingest. Under --jsonl every document is printed as soon as it is committed."""

    def __init__(self, app: AppContext) -> None:
        self._app = app
        self._bar = Bar(app)

    def __enter__(self) -> IngestProgress:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._bar.stop()

    def start(self, total: int) -> None:
        self._bar.start(total)

    def finished(self, source: str) -> None:
        self._bar.advance(shown(self._app, source))

    def entry(self, entry: Entry) -> None:
        if self._app.options.jsonl:
            row = entry.as_json()
            if self._app.options.json:
                row = pick(self._app, {"reason": "", **row}, FIELDS)
            self._app.out.write(dump(row) + "\n")
            self._app.out.flush()


def show_report(app: AppContext, report: IngestReport) -> None:
    """Print what an ingest did: data on stdout, what failed and the sum on stderr."""
    if app.options.json is not None and not app.options.jsonl:
        body = report.as_json()
        app.out.write(dump(pick(app, body, tuple(body)), indent=2) + "\n")
    elif not app.options.jsonl:
        _show_lines(app, report)
    _show_problems(app, report)
    message(app, _sum(report))
    if report.new_collection:
        flag = "" if report.collection == app.settings.collection else f" -c {report.collection}"
        message(app, f'ask it: opsvi query "..."{flag}')


def _show_lines(app: AppContext, report: IngestReport) -> None:
    terminal = app.is_terminal(app.out)
    lines = list(_lines(app, report, with_problems=not terminal))
    hidden = len(lines) - _SHOWN if terminal and len(lines) > _SHOWN + 1 else 0
    for line in lines[: len(lines) - hidden]:
        app.out.write("\t".join(line) + "\n")
    if hidden:
        app.out.write(f"... and {hidden} more\n")


def _lines(app: AppContext, report: IngestReport, *, with_problems: bool) -> Iterator[list[str]]:
    """`status, source[, reason]`, once for all documents of a source that share them; nothing for the unchanged."""
    wanted = {"added", "updated", "removed"} | ({"skipped", "failed"} if with_problems else set())
    told: set[tuple[str, ...]] = set()
    for entry in report.entries:
        line = [entry.status, shown(app, entry.source), *([_one_line(entry.reason)] if entry.reason else [])]
        if entry.status in wanted and tuple(line) not in told:
            told.add(tuple(line))
            yield line


def _one_line(text: str) -> str:
    return plain(" ".join(text.split()))


def _show_problems(app: AppContext, report: IngestReport) -> None:
    problems: dict[str, None] = {}
    for entry in report.entries:
        if entry.status == "failed" or (entry.status == "skipped" and not app.options.quiet):
            problems[f"{entry.status}: {shown(app, entry.source)}: {_one_line(entry.reason)}"] = None
        elif entry.reason and entry.status in ("added", "updated") and not app.options.quiet:
            problems[f"warning: {shown(app, entry.source)}: {_one_line(entry.reason)}"] = None
    for line in (*problems, *(f"warning: {plain(note)}" for note in report.notes)):
        app.err.write(app.redactor.redact(line) + "\n")
    app.err.flush()


def _sum(report: IngestReport) -> str:
    counts: dict[Any, int] = dict(report.counts)
    parts = [f"{count} {status}" for status, count in counts.items() if count] or ["nothing found"]
    head = "would be: " if report.dry_run else ""
    tail = "" if report.dry_run else f"; {report.chunks} chunks written in {report.seconds:.1f} s"
    return f"{report.collection}: {head}{', '.join(parts)}{tail}"
