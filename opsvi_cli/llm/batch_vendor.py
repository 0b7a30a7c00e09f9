"""A batch at the vendor's: handed over once, looked after by the same command, fetched when it is done.

What is known of a job lies in the state folder under the place of its results, so nobody has to remember an id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, ProviderError, StoreError, UsageError
from opsvi_cli.foundation.files import write_atomic
from opsvi_cli.foundation.usage import UsageRow
from opsvi_cli.sdk import BatchItem, BatchProvider, BatchResult, BatchStatus, ModelRequest

from .batch_results import Result
from .batch_run import finished
from .models import ModelChoice, load_provider
from .pii import PersonalDataError, cleared
from .prices import cost_of

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .batch import Item


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a vendor. `requests` are ids and fingerprints of its items, in order."""

    id: str
    provider: str
    model: str
    base_url: str
    submitted: str
    requests: tuple[tuple[str, str], ...]

    @property
    def choice(self) -> ModelChoice:
        return ModelChoice(self.provider, self.model, self.base_url)


class VendorBatch:
    """The job whose results go to `output`. Every method raises ProviderError, CredentialsError, UsageError."""

    def __init__(self, app: AppContext, output: Path) -> None:
        self._app = app
        name = hashlib.sha256(str(output).encode()).hexdigest()[:24]
        self._record = app.paths.state / "batches" / f"{name}.json"
        self._used: list[UsageRow] = []

    def job(self) -> Job | None:
        """The job that was handed over, if there is one."""
        try:
            saved = json.loads(self._record.read_text(encoding="utf-8"))
            return Job(**{**saved, "requests": tuple((id_, print_) for id_, print_ in saved["requests"])})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StoreError(
                f"what is known of the batch job cannot be read: {error}", hint=f"look at, or remove {self._record}"
            ) from error

    def submit(self, items: Sequence[Item]) -> Job:
        """Hand the items over, all of one model. What guards single calls cannot guard a job, so it is refused."""
        choices = {item.choice for item in items}
        if len(choices) != 1:
            raise UsageError("a vendor's batch is for one model", hint="a file for each model, or without --vendor")
        (choice,) = choices
        settings = self._app.settings
        if settings.budget.per_run or settings.budget.per_day:
            raise UsageError("a budget cannot be kept by a vendor's batch", hint="run it without --vendor")
        provider = self._provider(choice)
        if any(item.request.schema is not None for item in items) and "schema" not in self._can(choice):
            raise UsageError(f"{choice.name} does not do schema", hint="`opsvi models` says what models do")
        handed = [BatchItem(f"item-{number}", self._cleared(item)) for number, item in enumerate(items)]
        job = Job(
            provider.submit_batch(handed),
            choice.provider,
            choice.model,
            choice.base_url,
            self._app.now(),
            tuple((item.id, item.fingerprint) for item in items),
        )
        write_atomic(self._record, json.dumps(asdict(job)))
        return job

    def _cleared(self, item: Item) -> ModelRequest:
        try:
            return cleared(self._app, item.request)
        except PersonalDataError as error:
            raise PersonalDataError(f"{item.id}: {error.message}", hint=error.hint) from error

    def status(self, job: Job) -> BatchStatus:
        return self._provider(job.choice).batch_status(job.id)

    def cancel(self, job: Job) -> None:
        self._provider(job.choice).cancel_batch(job.id)

    def close(self) -> None:
        """The results are safe: what they have cost is counted, and nothing is left to ask for."""
        for row in self._used:
            self._app.foundation.usage.record(row)
        self._record.unlink(missing_ok=True)

    def results(self, job: Job, items: Sequence[Item]) -> Iterator[Result]:
        """What the vendor answered, of the items that still ask what they asked; an item without answer is a failure.

        Each leaves a row of usage once all are there: results that are fetched again are not paid again.
        """
        by_request = {(item.id, item.fingerprint): item for item in items}
        numbers = {f"item-{number}": request for number, request in enumerate(job.requests)}
        answered: set[tuple[str, str]] = set()
        provider = self._provider(job.choice)
        self._used.clear()
        for came in provider.batch_results(job.id):
            request = numbers.get(came.id, ("", ""))
            answered.add(request)
            self._used.append(self._row(job, came, provider))
            if (item := by_request.get(request)) is not None:
                yield _result(item, job, came)
        for request in job.requests:
            if request not in answered and (item := by_request.get(request)) is not None:
                yield _result(item, job, BatchResult("", "", error="the vendor gave no answer to it"))

    def _provider(self, choice: ModelChoice) -> BatchProvider:
        provider = load_provider(self._app, choice)
        if not isinstance(provider, BatchProvider):
            raise UsageError(f"{choice.provider} has no batch jobs", hint="run it without --vendor")
        return provider

    def _can(self, choice: ModelChoice) -> frozenset[str]:
        return load_provider(self._app, choice).capabilities(choice.model)

    def _row(self, job: Job, came: BatchResult, provider: BatchProvider) -> UsageRow:
        usage = came.usage
        price: float | None = 0.0  # what failed is not paid
        if not came.error:
            full = cost_of(self._app, job.choice, usage, provider)
            price = None if full is None else full * getattr(provider, "batch_price", 1.0)
        return UsageRow(
            time=self._app.now(),
            command=self._app.command,
            provider=job.provider,
            model=job.model,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            seconds=0.0,
            outcome="bad-response" if came.error else "ok",
            cached_tokens=usage.cached_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            cost=price,
            run=self._app.run,
        )


def _result(item: Item, job: Job, came: BatchResult) -> Result:
    name = job.choice.name
    try:
        if came.error:
            raise ProviderError(f"{name}: {came.error}", kind="bad-response", hint="run the batch again")
        return finished(item, name, came.text, "stop", came.usage)
    except OpsviError as error:
        return Result(item, name, error=error)
