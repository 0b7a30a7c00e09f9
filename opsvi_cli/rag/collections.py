"""Collections by name: which store holds one, opening, making, listing and removing them.

A collection of the store `local` is found by its folder; those of other stores are also named in a small catalogue,
`collections/catalogue.json`, which is only a hint: the store itself is asked before a name is believed.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

from opsvi_cli.errors import NotFoundError, OpsviError, StoreError, UsageError
from opsvi_cli.foundation.files import write_atomic
from opsvi_cli.sdk import JSON, Chunker, CollectionInfo, DocumentRecord, Embedder, Filter, Finding, Store, StoreBackend

from .embedding import load_embedder

if TYPE_CHECKING:
    from pathlib import Path

    from opsvi_cli.context import AppContext

DEFAULT_STORE = "local"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """How a collection is to be made. None and empty: as the settings say; for one that exists, as it was made."""

    embedder: str | None = None
    chunker: str | None = None
    store: str | None = None
    embedder_options: Mapping[str, JSON] = field(default_factory=dict)
    chunker_options: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CollectionSummary:
    """A line of `collections list`. `bytes` is what it takes on disk, None where the store cannot say."""

    name: str
    store: str
    documents: int
    chunks: int
    embedder: str
    dimension: int
    created: str
    updated: str
    bytes: int | None


def check_name(name: str) -> str:
    """The name itself when it may name a collection: never a path. Raises UsageError."""
    if not _NAME.fullmatch(name):
        hint = "use lower-case letters, digits, dots, dashes and underscores, at most 64, a letter or digit first"
        raise UsageError(f"{name!r} cannot name a collection", hint=hint)
    return name


def backend_of(app: AppContext, store: str) -> StoreBackend:
    """The store registered as `store`."""
    return cast(StoreBackend, app.part("store", store))


def find_store(app: AppContext, name: str) -> str | None:
    """The store that holds a collection; None when there is no such collection."""
    check_name(name)
    listed = _read_catalogue(app).get(name)
    for store in dict.fromkeys([DEFAULT_STORE, *([listed] if listed else []), app.settings.store]):
        if name in backend_of(app, store).names():
            return store
    return None


def collection_names(app: AppContext) -> list[str]:
    """Every collection, in order of name."""
    return sorted({name for names in _by_store(app).values() for name in names})


def open_collection(app: AppContext, name: str, write: bool = False) -> Store:
    """Open a collection that exists.

    Raises NotFoundError with the nearest name, StoreError when it is damaged or another process writes to it.
    """
    store = find_store(app, name)
    if store is None:
        raise _not_found(app, name)
    return backend_of(app, store).open(name, write=write)


def create_or_open(app: AppContext, name: str, spec: CollectionSpec | None = None) -> Store:
    """Open a collection for writing, making it when it is not there.

    Raises StoreError before anything is written when the embedder, chunker or store asked for is not the
    collection's own.
    """
    spec = spec or CollectionSpec()
    found = find_store(app, name)
    if found is None:
        return _create(app, name, spec)
    if spec.store not in (None, found):
        raise StoreError(
            f"collection {name!r} is kept by the store {found!r}, not by {spec.store!r}",
            hint=f"leave --store out, or choose another collection with -c (`opsvi collections show {name}`)",
        )
    store = backend_of(app, found).open(name, write=True)
    try:
        _check_embedder(app, store.info, spec)
        _check_chunker(app, store.info, spec)
    except BaseException:
        store.close()
        raise
    return store


def _create(app: AppContext, name: str, spec: CollectionSpec) -> Store:
    kind = spec.store or app.settings.store
    embedder_name = spec.embedder or app.settings.embedder
    chunker_name = spec.chunker or app.settings.chunker
    chunking: dict[str, JSON] = {"size": app.settings.chunking.size, "overlap": app.settings.chunking.overlap}
    chunking.update(spec.chunker_options)
    embedder = load_embedder(app, embedder_name, spec.embedder_options)
    chunker = cast(Chunker, app.part("chunker", chunker_name, chunking))
    now = app.now()
    info = CollectionInfo(
        name=name,
        store=kind,
        dimension=embedder.dimension,
        embedder=embedder.fingerprint,
        chunker=chunker.fingerprint,
        fusion_weight=embedder.fusion_weight,
        created=now,
        updated=now,
        settings={
            "embedder": embedder_name,
            "embedder_options": dict(spec.embedder_options),
            "chunker": chunker_name,
            "chunker_options": chunking,
        },
    )
    backend = backend_of(app, kind)
    if kind != DEFAULT_STORE:
        _change_catalogue(app, {name: kind})
    return backend.open(name, lambda: info, write=True)


def collection_embedder(app: AppContext, info: CollectionInfo) -> Embedder:
    """The embedder that made a collection's vectors. Raises StoreError when it no longer gives the same vectors."""
    name, options = _made_with(info, "embedder")
    embedder = load_embedder(app, name, options)
    if embedder.fingerprint != info.embedder or embedder.dimension != info.dimension:
        raise StoreError(
            f"collection {info.name!r} was made with {info.embedder}, and {name!r} is now {embedder.fingerprint}",
            hint="ingest the documents into another collection (-c), or use --mode keyword to search this one",
        )
    return embedder


def collection_chunker(app: AppContext, info: CollectionInfo) -> Chunker:
    """The chunker that the collection was made with."""
    name, options = _made_with(info, "chunker")
    return cast(Chunker, app.part("chunker", name, options))


def _made_with(info: CollectionInfo, kind: str) -> tuple[str, Mapping[str, JSON]]:
    name, options = info.settings.get(kind), info.settings.get(f"{kind}_options")
    if not isinstance(name, str):
        raise StoreError(
            f"collection {info.name!r} does not say which {kind} made it",
            hint=f"opsvi collections check {info.name}; ingest the documents into another collection (-c)",
        )
    return name, options if isinstance(options, dict) else {}


def _check_embedder(app: AppContext, info: CollectionInfo, spec: CollectionSpec) -> None:
    own, options = _made_with(info, "embedder")
    if spec.embedder is None:
        collection_embedder(app, info)
        return
    wanted = load_embedder(app, spec.embedder, spec.embedder_options or (options if spec.embedder == own else {}))
    if (wanted.fingerprint, wanted.dimension) != (info.embedder, info.dimension):
        raise StoreError(
            f"collection {info.name!r} holds vectors of {own!r} ({info.embedder}, {info.dimension} numbers), "
            f"not of {spec.embedder!r} ({wanted.fingerprint}, {wanted.dimension} numbers)",
            hint=f"use --embedder {own}, or another collection with -c",
        )


def _check_chunker(app: AppContext, info: CollectionInfo, spec: CollectionSpec) -> None:
    own, options = _made_with(info, "chunker")
    if spec.chunker is None and not spec.chunker_options:
        return
    name = spec.chunker or own
    wanted = cast(Chunker, app.part("chunker", name, {**options, **spec.chunker_options}))
    if wanted.fingerprint != info.chunker:
        raise StoreError(
            f"collection {info.name!r} was chunked by {info.chunker}, not by {wanted.fingerprint}",
            hint=f"use --chunker {own} as it was, or another collection with -c",
        )


def list_collections(app: AppContext) -> list[CollectionSummary]:
    """All collections, ordered by name. One that cannot be opened is left out with a warning in the log."""
    found = []
    for kind, names in _by_store(app).items():
        backend = backend_of(app, kind)
        for name in names:
            try:
                found.append(_summary(backend, name))
            except OpsviError as error:
                app.log.warning("%s (%s)", error.message, error.hint)
    return sorted(found, key=lambda item: item.name)


def _summary(backend: StoreBackend, name: str) -> CollectionSummary:
    store = backend.open(name)
    with contextlib.closing(store):
        info = store.info
        documents, chunks = store.count()
    size = getattr(backend, "size", None)
    return CollectionSummary(
        name, info.store, documents, chunks, info.embedder, info.dimension, info.created, info.updated,
        size(name) if size else None,
    )  # fmt: skip


def show_collection(app: AppContext, name: str) -> dict[str, Any]:
    """All that is known of one collection: the list's line, and how it was made."""
    kind = find_store(app, name)
    if kind is None:
        raise _not_found(app, name)
    backend = backend_of(app, kind)
    summary = _summary(backend, name)
    with contextlib.closing(backend.open(name)) as store:
        info = store.info
    return {
        "name": summary.name,
        "store": summary.store,
        "documents": summary.documents,
        "chunks": summary.chunks,
        "embedder": summary.embedder,
        "dimension": summary.dimension,
        "created": summary.created,
        "updated": summary.updated,
        "bytes": summary.bytes,
        "metric": info.metric,
        "fusion_weight": info.fusion_weight,
        "chunker": info.chunker,
        "settings": dict(info.settings),
    }


def collection_documents(app: AppContext, name: str, where: Filter | None = None) -> Iterator[DocumentRecord]:
    """The documents of a collection, ordered by source, part and id."""
    with contextlib.closing(open_collection(app, name)) as store:
        yield from store.documents(where)


def check_collection(app: AppContext, name: str) -> list[Finding]:
    """What is wrong with a collection; one that cannot be opened is a finding. Raises NotFoundError."""
    try:
        with contextlib.closing(open_collection(app, name)) as store:
            return store.check()
    except StoreError as error:
        return [Finding("open", f"{error.message}; {error.hint}")]


def check_collections(app: AppContext, name: str | None) -> list[dict[str, Any]]:
    """`{collection, ok, findings}` of one collection, or of all. Raises NotFoundError."""
    rows: list[dict[str, Any]] = []
    for each in [name] if name else collection_names(app):
        findings = [{"what": item.what, "detail": item.detail} for item in check_collection(app, each)]
        rows.append({"collection": each, "ok": not findings, "findings": findings})
    return rows


def document_row(record: DocumentRecord) -> dict[str, Any]:
    """A line of `collections documents`."""
    return {
        "document_id": record.id,
        "source": record.source,
        "part": record.part,
        "title": record.title,
        "media_type": record.media_type,
        "characters": record.characters,
        "chunks": record.chunks,
        "ingested": record.ingested,
        "metadata": dict(record.metadata),
    }


def describe_collection(app: AppContext, name: str) -> str:
    """`collection 'x' with its 12 documents`, for a question; works for a damaged one too. Raises NotFoundError."""
    try:
        with contextlib.closing(open_collection(app, name)) as store:
            return f"collection {name!r} with its {store.count()[0]} documents"
    except StoreError:
        return f"collection {name!r}, which is damaged,"


def delete_collection(app: AppContext, name: str) -> None:
    """Remove a collection and all it holds. Raises NotFoundError; StoreError while another process writes to it."""
    kind = find_store(app, name)
    if kind is None:
        raise _not_found(app, name)
    backend_of(app, kind).delete(name)
    _change_catalogue(app, {name: None})


def rename_collection(app: AppContext, name: str, new: str) -> None:
    """Give a collection another name. Raises NotFoundError, UsageError when `new` is taken."""
    check_name(new)
    kind = find_store(app, name)
    if kind is None:
        raise _not_found(app, name)
    if find_store(app, new) is not None:
        raise UsageError(f"there is already a collection {new!r}", hint=f"opsvi collections delete {new}")
    if kind != DEFAULT_STORE:
        _change_catalogue(app, {new: kind})
    backend_of(app, kind).rename(name, new)
    _change_catalogue(app, {name: None})


def _by_store(app: AppContext) -> dict[str, list[str]]:
    listed: dict[str, set[str]] = {}
    for name, kind in _read_catalogue(app).items():
        listed.setdefault(kind, set()).add(name)
    found = {DEFAULT_STORE: backend_of(app, DEFAULT_STORE).names()}
    for kind in {*listed, app.settings.store} - {DEFAULT_STORE}:
        try:
            found[kind] = sorted(set(backend_of(app, kind).names()) & (listed.get(kind) or set()))
        except OpsviError as error:
            app.log.warning("store %s: %s", kind, error.message)
    return found


def _not_found(app: AppContext, name: str) -> NotFoundError:
    near = get_close_matches(name, collection_names(app), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return NotFoundError(
        f"there is no collection {name!r}",
        hint=hint + f"`opsvi ingest SOURCE -c {name}` makes it; `opsvi collections list`",
    )


def _catalogue_file(app: AppContext) -> Path:
    return app.paths.collections / "catalogue.json"


def _read_catalogue(app: AppContext) -> dict[str, str]:
    try:
        known = json.loads(_catalogue_file(app).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        app.log.warning("%s cannot be read: %s", _catalogue_file(app), error)
        return {}
    if not isinstance(known, dict):
        return {}
    return {n: k for n, k in known.items() if isinstance(k, str) and isinstance(n, str) and _NAME.fullmatch(n)}


def _change_catalogue(app: AppContext, changes: Mapping[str, str | None]) -> None:
    before = _read_catalogue(app)
    merged = {**before, **changes}
    after = {name: kind for name, kind in sorted(merged.items()) if kind is not None}
    if after != before:
        write_atomic(_catalogue_file(app), json.dumps(after, indent=2) + "\n")
