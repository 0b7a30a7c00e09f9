"""What became of every source of an ingest: one entry a document, and the counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, get_args

from opsvi_cli.errors import OpsviError, PartialError

Status: TypeAlias = Literal["added", "updated", "unchanged", "removed", "skipped", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, slots=True)
class Entry:
    """A document, or a source that gave none (`document_id` is None). `chunks`: how many it has in the collection."""

    source: str
    status: Status
    document_id: str | None = None
    chunks: int = 0
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"source": self.source, "document_id": self.document_id, "status": self.status}
        if self.reason:
            body["reason"] = self.reason
        return {**body, "chunks": self.chunks}


class Progress(Protocol):
    """What is told while an ingest runs."""

    def start(self, total: int) -> None:
        """`total` sources were found."""

    def finished(self, source: str) -> None:
        """One of them needs no more work, except that its chunks may wait for the next commit."""

    def entry(self, entry: Entry) -> None:
        """What became of a document is certain: it is committed."""


@dataclass
class IngestReport:
    """`chunks`: written by this run. `notes`: what a person has to know beside the entries."""

    collection: str
    dry_run: bool = False
    new_collection: bool = False
    entries: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def counts(self) -> dict[Status, int]:
        found = Counter(entry.status for entry in self.entries)
        return {status: found[status] for status in STATUSES}

    @property
    def chunks(self) -> int:
        return sum(entry.chunks for entry in self.entries if entry.status in ("added", "updated"))

    def as_json(self) -> dict[str, Any]:
        return {
            "collection": self.collection,
            "counts": self.counts,
            "chunks": self.chunks,
            "seconds": round(self.seconds, 3),
            "documents": [entry.as_json() for entry in self.entries],
        }

    def check(self) -> None:
        """Raise PartialError when some inputs failed, OpsviError when nothing else came of the run."""
        counts = self.counts
        failed = counts["failed"]
        if not failed:
            return
        done = sum(counts[status] for status in ("added", "updated", "unchanged", "removed"))
        first = next(entry for entry in self.entries if entry.status == "failed")
        if not done:
            what = f"{failed} inputs failed, the first" if failed > 1 else "one input, and it failed"
            raise OpsviError(f"nothing was ingested: {what}: {first.source}: {first.reason}", hint=_HINT)
        raise PartialError(f"{failed} of {len(self.entries)} inputs failed; the others are done", hint=_HINT)


_HINT = "mend or leave out what failed and run it again: what is done is not done twice"
