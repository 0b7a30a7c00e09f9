"""What `opsvi batch` does: items that have no result yet are asked here, or handed to the vendor and fetched later."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import NotFoundError, OpsviError, PartialError
from opsvi_cli.foundation.locks import hold
from opsvi_cli.sdk import JSON, BatchStatus

from .batch import Item
from .batch_results import Result, ResultFile
from .batch_run import Summary, run_items
from .batch_vendor import VendorBatch

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .batch_vendor import Job

FIELDS = ("output", "total", "done", "failed", "skipped", "waiting", "usage", "job", "state")


@dataclass
class Outcome:
    """`state` is that of a vendor's job, else `done`, or `stopped` when an error ended the batch before its end."""

    summary: Summary
    output: str
    job: str = ""
    state: str = "stopped"
    error: OpsviError | KeyboardInterrupt | None = None

    def record(self) -> dict[str, JSON]:
        return {"output": self.output, **self.summary.record(), "job": self.job or None, "state": self.state}

    def failure(self) -> OpsviError | KeyboardInterrupt | None:
        """What the command ends with."""
        if self.error is not None:
            return self.error
        summary = self.summary
        if not summary.failed:
            return None
        first = summary.first_error
        return PartialError(
            f"{summary.failed} of {summary.total} failed" + (f"; the first: {first.message}" if first else ""),
            hint=(first.hint if first else "") or "run the same command again: what is there is kept",
        )


class Listener:
    """Told how a batch gets on; the renderer's."""

    def start(self, total: int) -> None:
        """`total` items are to be asked now."""

    def result(self, result: Result) -> None:
        """An item has its answer, or has failed."""

    def state(self, status: BatchStatus) -> None:
        """The vendor said how its job gets on."""


def run_here(app: AppContext, items: Sequence[Item], output: str | None, jobs: int, listener: Listener) -> Outcome:
    """Ask what has no answer in `output` yet; without `output` everything, and the listener has the results."""
    with _results(app, items, output) as file:
        done = file.done if file is not None else frozenset()
        left = [item for item in items if item.id not in done]
        outcome = Outcome(Summary(len(items), skipped=len(done)), output or "-")
        listener.start(len(left))
        results = run_items(app, left, jobs)
        _take(results, outcome, file, listener)
    return outcome


def run_there(app: AppContext, items: Sequence[Item], output: str, wait: float | None, listener: Listener) -> Outcome:
    """Hand over what has no answer yet; when that was done before, look after it, and fetch it when it has ended.

    With `wait` this is repeated every so many seconds until there are results.
    """
    batch = VendorBatch(app, _path(app, output))
    with _results(app, items, output) as file:
        assert file is not None
        left = [item for item in items if item.id not in file.done]
        outcome = Outcome(Summary(len(items), skipped=len(file.done)), output, state="done")
        job = batch.job()
        if job is None and left:
            job = batch.submit(left)
        if job is None:
            return outcome
        status = _look(app, batch, job, wait, listener)
        outcome.job, outcome.state = job.id, status.state
        if status.state != "running":
            listener.start(len(left))
            _take(batch.results(job, left), outcome, file, listener)
            if outcome.error is None:
                batch.close()
    return outcome


def cancel_there(app: AppContext, output: str) -> str:
    """Cancel the job whose results were to go to `output`; its id. What it had answered can still be fetched."""
    batch = VendorBatch(app, _path(app, output))
    job = batch.job()
    if job is None:
        raise NotFoundError(f"no batch job is known for {output}", hint="--vendor hands one over")
    batch.cancel(job)
    return job.id


def _look(app: AppContext, batch: VendorBatch, job: Job, wait: float | None, listener: Listener) -> BatchStatus:
    while True:
        status = batch.status(job)
        listener.state(status)
        if status.state != "running" or wait is None:
            return status
        left = app.remaining()
        time.sleep(wait if left is None else min(wait, left))


def _take(results: Iterator[Result], outcome: Outcome, file: ResultFile | None, listener: Listener) -> None:
    """Every result into the file as it comes. What stops the batch, Ctrl-C too, is kept for after the summary."""
    try:
        for result in results:
            if file is not None:
                file.write(result)
            outcome.summary.count(result)
            listener.result(result)
    except (OpsviError, KeyboardInterrupt) as error:
        outcome.error, outcome.state = error, "stopped"
    else:
        outcome.state = "done" if outcome.state == "stopped" else outcome.state


def _path(app: AppContext, output: str) -> Path:
    """The one place of the results however it is written: locks and jobs of vendors are known by it."""
    return Path(os.path.realpath(Path(app.cwd, Path(output).expanduser())))


@contextlib.contextmanager
def _results(app: AppContext, items: Sequence[Item], output: str | None) -> Iterator[ResultFile | None]:
    """The file of results, for this process alone."""
    if output is None:
        yield None
        return
    path = _path(app, output)
    lock = app.paths.state / "batches" / (hashlib.sha256(str(path).encode()).hexdigest()[:24] + ".lock")
    with hold(lock, path.name):
        file = ResultFile(app, path, items)
        try:
            yield file
        finally:
            file.close()
