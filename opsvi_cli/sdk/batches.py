"""What a provider may offer beside single calls. Each is optional: opsvi looks whether the methods are there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from .messages import ModelRequest, Usage


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
