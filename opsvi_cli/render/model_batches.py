"""How `opsvi batch` looks: a bar on a terminal, a line at the end, results on stdout when no file was named."""

from __future__ import annotations

from opsvi_cli.context import AppContext
from opsvi_cli.llm.batch_job import FIELDS, Listener, Outcome
from opsvi_cli.llm.batch_results import Result
from opsvi_cli.sdk import BatchStatus

from .bar import Bar
from .output import dump, message, show_record


class BatchListener(Listener):
    """`lines`: every result is printed as it comes."""

    def __init__(self, app: AppContext, *, lines: bool) -> None:
        self._app = app
        self._lines = lines
        self._bar = Bar(app)

    def __enter__(self) -> BatchListener:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._bar.stop()

    def start(self, total: int) -> None:
        if not self._lines and total:
            self._bar.start(total)

    def result(self, result: Result) -> None:
        self._bar.advance(result.item.id)
        if self._lines:
            self._app.out.write(dump(result.line(self._app)) + "\n")
            self._app.out.flush()

    def state(self, status: BatchStatus) -> None:
        counts = f"{status.done} of {status.total} done" + (f", {status.failed} failed" if status.failed else "")
        message(self._app, f"{status.id}: {status.state}, {counts}")


def show_outcome(app: AppContext, outcome: Outcome) -> None:
    """The summary: JSON for programs, a line on stderr for people."""
    if app.options.machine:
        show_record(app, outcome.record(), str, fields=FIELDS)
        return
    summary = outcome.summary
    counts = (("answered", summary.done), ("failed", summary.failed), ("there already", summary.skipped))
    said = [f"{count} {what}" for what, count in counts if count]
    if summary.waiting:
        said.append(f"{summary.waiting} to do")
    message(app, f"{', '.join(said)}: {outcome.output}" if outcome.output != "-" else ", ".join(said))
    if summary.waiting and outcome.state == "stopped" and outcome.output != "-":
        message(app, "run the same command again to go on")
    if outcome.state == "running":
        message(app, "run the same command again for the results, or with --wait 60")
