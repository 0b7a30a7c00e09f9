"""The first half of an ingest: which processor reads a source, and reading them in worker processes.

Nothing heavy is imported until a source has to be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from opsvi_cli.errors import DocumentError, OpsviError
from opsvi_cli.sdk import Document, Source

from .extraction import identified, select_processor
from .extractor import Extractor

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


class Choice(NamedTuple):
    """A source with its media type, and the processor that reads it; None and why when there is none."""

    source: Source
    processor: str | None
    reason: str = ""


def choose(app: AppContext, source: Source) -> Choice:
    """Who reads a source; the processor itself is not imported."""
    source = identified(source)
    try:
        return Choice(source, select_processor(app, source).name)
    except DocumentError as error:
        return Choice(source, None, error.message)


def read_many(
    app: AppContext, sources: Iterable[Source], jobs: int
) -> Iterator[tuple[Source, list[Document] | OpsviError]]:
    """What processors make of each source, in order; the workers end with the iterator. `jobs` 0: as set."""
    with Extractor(app, jobs=jobs or None) as extractor:
        try:
            yield from extractor.read_many(sources)
        except TimeoutError:
            app.remaining()  # says so as the run's deadline
            raise
