"""What a provider may offer beside single calls. Each is optional: opsvi looks whether the methods are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from opsvi_cli.errors import OpsviError

from .messages import Finish, ModelRequest, StreamEvent, TextDelta, Usage

_NO_ANSWER: Mapping[str, str] = {
    "filter": "the content filter stopped the answer",
    "refusal": "the model refused to answer",
    "length": "the answer is incomplete: the limit of tokens was reached",
}


@runtime_checkable
class TokenCounter(Protocol):
    """A provider that can count exactly what a request would cost, without an answer."""

    def count_tokens(self, request: ModelRequest) -> int:
        """Input tokens of the request. Raises ProviderError, CredentialsError."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One request of a batch job; `id` is the caller's, and comes back with the result."""

    id: str
    request: ModelRequest


@dataclass(frozen=True, slots=True)
class BatchStatus:
    """`done` and `failed` count requests."""

    id: str
    state: Literal["running", "done", "failed", "cancelled", "expired"]
    total: int
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class BatchResult:
    """`error` is empty when there is an answer."""

    id: str
    text: str
    usage: Usage = Usage()
    error: str = ""


def batch_result(identity: str, events: Iterable[StreamEvent]) -> BatchResult:
    """One answer of a job. That it is none, or cut off, is its error: the others are answers all the same."""
    text: list[str] = []
    finish = Finish("stop")
    try:
        for event in events:
            if isinstance(event, TextDelta):
                text.append(event.text)
            elif isinstance(event, Finish):
                finish = event
    except OpsviError as error:
        return BatchResult(identity, "", error=error.message)
    said = "".join(text)
    wrong = _NO_ANSWER.get(finish.reason, "" if said.strip() else "the answer is empty")
    return BatchResult(identity, said, finish.usage, wrong)


@runtime_checkable
class BatchProvider(Protocol):
    """A provider whose vendor runs batch jobs: many requests, answered within hours, at a lower price.

    `batch_price`, when it has one, is the share of the usual price that is paid: 0.5. Every method raises
    ProviderError, CredentialsError.
    """

    def submit_batch(self, items: Sequence[BatchItem]) -> str:
        """Hand the requests over; the vendor's id of the job."""

    def batch_status(self, job: str) -> BatchStatus: ...

    def batch_results(self, job: str) -> Iterator[BatchResult]:
        """In any order. Only of a job that is no longer running."""

    def cancel_batch(self, job: str) -> None: ...
