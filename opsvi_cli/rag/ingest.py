"""Ingest: sources into a collection, so that the collection holds what the sources hold now.

The path of one source: found (`sources`), read, compared by content hash (`known`), turned into documents by a worker
(`reading`), cut, embedded and committed with others (`pipeline`), reported (`report`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.sdk import JSON, Document, Source

from . import reading
from .known import Known, KnownSource
from .pipeline import Read, Target, TargetOptions, Writer
from .report import Entry, IngestReport, Progress, Status
from .sources import NotModified, SourceOptions, locate, read
from .walk import Located, Scope, SkippedSource, on_disk

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_META_KEY = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII)
_RESERVED = ("source", "document_id", "title", "media_type", "ingested")


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """`jobs`: worker processes, 0 for one a core. `meta` is added to every document's metadata."""

    target: TargetOptions
    sources: SourceOptions = field(default_factory=SourceOptions)
    meta: Mapping[str, JSON] = field(default_factory=dict)
    sync: bool = False
    dry_run: bool = False
    jobs: int = 0


def parse_meta(pairs: Sequence[str]) -> dict[str, JSON]:
    """`key=value` pairs: numbers and true/false by their look, else text. Raises UsageError."""
    found: dict[str, JSON] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not _META_KEY.fullmatch(key):
            raise UsageError(f"--meta: {pair!r} is not of the form key=value", hint="--meta team=ops --meta year=2024")
        if key in _RESERVED:
            raise UsageError(f"--meta: {key!r} is a field of every document", hint="use another name")
        found[key] = _typed(value)
    return found


def _typed(text: str) -> JSON:
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})\.\d{1,15}", text, re.ASCII):
        return float(text)
    return text.encode("utf-8", "replace").decode()


def ingest(app: AppContext, args: Sequence[str], options: IngestOptions, progress: Progress) -> IngestReport:
    """Bring the collection up to date with `args`: files, folders, URLs, `-`.

    What fails is in the report. Raises StoreError, or what the embedder raises: what was committed before stays.
    """
    started = time.monotonic()
    target = Target(app, options.target, write=not options.dry_run)
    with contextlib.closing(target):
        run = _Run(app, options, progress, target)
        try:
            run.go(args)
        except OpsviError as error:
            error.hint = _going_on(run.report, error.hint)
            raise
    report = run.report
    report.new_collection = not target.existed and target.store is not None
    report.seconds = time.monotonic() - started
    if not options.dry_run:
        data: dict[str, JSON] = {"collection": report.collection, "chunks": report.chunks, "seconds": report.seconds}
        data.update(report.counts.items())
        app.foundation.events.emit("ingest.done", data)
    return report


def _going_on(report: IngestReport, hint: str) -> str:
    """What an ingest that was stopped by a full disk, a failing server or a spent budget leaves, and how it goes on."""
    stored = report.counts["added"] + report.counts["updated"]
    if report.dry_run or not stored:
        return hint
    there = f"{stored} document{' is' if stored == 1 else 's are'} stored, the same command goes on from there"
    return f"{hint}; {there}" if hint else there


class _Run:
    def __init__(self, app: AppContext, options: IngestOptions, progress: Progress, target: Target) -> None:
        self.app, self.options, self.progress, self.target = app, options, progress, target
        self.report = IngestReport(options.target.collection, options.dry_run)
        self.known = Known(target.store)
        self.writer = Writer(app, target, self.known, options.meta, self.tell)
        self.scopes: list[Scope] = []
        self.read: dict[str, tuple[str, str]] = {}
        """Content hash and processor of sources that are with a worker."""

    def tell(self, entry: Entry) -> None:
        self.report.entries.append(entry)
        self.progress.entry(entry)

    def go(self, args: Sequence[str]) -> None:
        validators = {uri: known.validators for uri, known in self.known.sources() if any(known.validators)}
        sources = replace(self.options.sources, validators=validators)
        found = list(locate(self.app, args, sources, self.scopes))
        self.progress.start(len(found))
        changed = self._changed(found, sources)
        first = next(changed, None)
        if first is not None:  # else no worker is needed
            for source, result in reading.read_many(self.app, chain([first], changed), self.options.jobs):
                self.app.remaining()
                self._take(source, result)
        if self.options.sync:
            self._sync({item.uri for item in found})
        if not self.options.dry_run:
            self.writer.flush()
        place = {item.uri: number for number, item in enumerate(found)}
        self.report.entries.sort(key=lambda entry: place.get(entry.source, len(place)))

    def _changed(self, found: Sequence[Located | SkippedSource], sources: SourceOptions) -> Iterator[Source]:
        """Sources that a processor has to read; the others are told of, or removed, here."""
        for item in found:
            self.app.remaining()
            if isinstance(item, SkippedSource):
                self._skipped(item)
                continue
            read_now = read(self.app, item, sources)
            if isinstance(read_now, SkippedSource):
                self._skipped(read_now)
            elif isinstance(read_now, NotModified):
                self._unchanged(read_now.uri)
            elif (source := self._compare(read_now, explicit=item.explicit)) is not None:
                yield source
                continue
            self.progress.finished(item.uri)

    def _skipped(self, item: SkippedSource) -> None:
        known = self.known.get(item.uri)
        if known is not None and item.empty:
            self._remove(item.uri, known, "the file is empty now")
        elif known is not None and self.options.sync and (item.gone or self._vanished(item.uri)):
            self._remove(item.uri, known, "its source is gone")
        else:
            self.tell(Entry(item.uri, item.status, reason=item.reason))

    def _unchanged(self, uri: str) -> None:
        known = self.known.get(uri)
        self.writer.keep(uri)
        for document_id, chunks in known.documents if known is not None else ():
            self.tell(Entry(uri, "unchanged", document_id, chunks))

    def _compare(self, source: Source, *, explicit: bool) -> Source | None:
        """The source with its media type when it has to be read; None when nothing more is to be done."""
        choice = reading.choose(self.app, source)
        if choice.processor is None:
            status: Status = "failed" if explicit else "skipped"
            self.tell(Entry(source.uri, status, reason=choice.reason))
            return None
        content_hash = hashlib.sha256(source.data).hexdigest()
        known = self.known.get(source.uri)
        if known is not None and (known.content_hash, known.fingerprint) == (
            content_hash,
            self.target.fingerprint(choice.processor, self.options.meta),
        ):
            self._unchanged(source.uri)
            return None
        if self.options.dry_run:
            self._plan(source.uri, known)
            return None
        self.read[source.uri] = (content_hash, choice.processor)
        return replace(choice.source, password=self.options.sources.password)

    def _plan(self, uri: str, known: KnownSource | None) -> None:
        if known is None:
            self.tell(Entry(uri, "added"))
        for document_id, chunks in known.documents if known is not None else ():
            self.tell(Entry(uri, "updated", document_id, chunks))

    def _take(self, source: Source, result: list[Document] | OpsviError) -> None:
        content_hash, processor = self.read.pop(source.uri)
        result = self._without_personal_data(result)
        if isinstance(result, OpsviError):
            reason = result.message + (f" ({result.hint})" if result.hint else "")
            self.tell(Entry(source.uri, "failed", reason=reason))
        else:
            self.writer.add(Read(source, content_hash, processor, result))
        self.progress.finished(source.uri)

    def _without_personal_data(self, result: list[Document] | OpsviError) -> list[Document] | OpsviError:
        mode = self.app.settings.safety.pii
        if mode == "off" or isinstance(result, OpsviError):
            return result
        from opsvi_cli.llm.pii import PersonalDataError, clean_document, kinds_of

        try:
            return [clean_document(document, mode, kinds_of(self.app)) for document in result]
        except PersonalDataError as error:
            return error

    def _remove(self, uri: str, known: KnownSource, reason: str) -> None:
        if self.options.dry_run:
            for document_id in known.ids:
                self.tell(Entry(uri, "removed", document_id, reason=reason))
        else:
            self.writer.remove(uri, known.ids, reason)

    def _sync(self, seen: set[str]) -> None:
        """Remove what lay under the arguments and is gone; nothing where the walk did not see everything."""
        blocked: set[str] = set()
        for uri, known in list(self.known.sources()):
            if uri in seen:
                continue
            scopes = [scope for scope in self.scopes if scope.holds(uri)]
            if not scopes:
                continue
            if problems := [scope for scope in scopes if scope.problem]:
                blocked.update(f"nothing was removed under {scope.uri}: {scope.problem}" for scope in problems)
            elif any(_left_out(uri, scope) for scope in scopes):
                self._remove(uri, known, "an ignore file leaves it out now")
            elif _is_gone(uri):
                self._remove(uri, known, "its source is gone")
        self.report.notes.extend(sorted(blocked))

    def _vanished(self, uri: str) -> bool:
        """A file that was named itself and is gone, while the folder it was in is there."""
        gone = any(scope.uri == uri and scope.gone for scope in self.scopes)
        return gone and os.path.isdir(os.path.dirname(on_disk(uri)))


def _left_out(uri: str, scope: Scope) -> bool:
    while len(uri) > len(scope.uri):
        if uri in scope.ignored:
            return True
        uri = uri.rpartition("/")[0]
    return False


def _is_gone(uri: str) -> bool:
    """True when no regular file is there; False when that cannot be known."""
    try:
        return not stat.S_ISREG(os.lstat(on_disk(uri)).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
