"""Texts to vectors: in batches, checked, and embedded once however often they come back.

The cache key is SHA-256 of the embedder's fingerprint, the kind and the text; the value is the row as float32 bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from opsvi_cli.errors import PluginError, UsageError
from opsvi_cli.sdk import JSON, Embedder, Vectors

from .part_failures import failures_named

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

BATCH = 256
EmbedKind = Literal["document", "query"]


def load_embedder(app: AppContext, name: str, options: Mapping[str, JSON] | None = None) -> Embedder:
    """The embedder `name`, or `name:model`. Raises UsageError for an unknown name, PluginError for a broken one."""
    part, _, model = name.partition(":")
    chosen: dict[str, JSON] = {"model": model} if model else {}
    services = app.foundation.for_part("embedder", part, {**(options or {}), **chosen})
    embedder = cast(Embedder, app.part("embedder", part, services=services))
    if not getattr(embedder, "remote", False):
        return embedder
    from .remote_embedder import RemoteEmbedder

    return cast(Embedder, RemoteEmbedder(embedder, services))


def embed_texts(
    app: AppContext, embedder: Embedder, texts: Sequence[str], kind: EmbedKind = "document", *, cached: bool = True
) -> Vectors:
    """float32, shape (len(texts), dimension). Raises PluginError when the embedder gives anything else.

    A query is not worth caching for a local model: pass `cached=False`.
    """
    import numpy as np

    if kind == "query":
        texts = _cleared(app, embedder, texts)
    vectors = np.zeros((len(texts), embedder.dimension), dtype=np.float32)
    cache = app.foundation.cache("embeddings") if cached and texts else None
    keys = [_key(embedder, kind, text) for text in texts] if cache is not None else []
    known = cache.get_many(keys) if cache is not None else {}
    missing: dict[str, list[int]] = {}
    for row, text in enumerate(texts):
        stored = known.get(keys[row]) if keys else None
        if stored is not None and len(stored) == 4 * embedder.dimension:
            vectors[row] = np.frombuffer(stored, dtype="<f4")
        else:
            missing.setdefault(text, []).append(row)
    for batch in _batches(missing, BATCH):
        app.remaining()
        made = _guarded(app, embedder, batch, kind)
        for text, vector in zip(batch, made, strict=True):
            vectors[missing[text]] = vector
        if cache is not None:
            cache.put_many({keys[missing[text][0]]: made[n].astype("<f4").tobytes() for n, text in enumerate(batch)})
    return vectors


def _cleared(app: AppContext, embedder: Embedder, texts: Sequence[str]) -> Sequence[str]:
    """What leaves this machine without having passed `ingest`, as `safety.pii` wants it. Raises PersonalDataError."""
    if app.settings.safety.pii == "off" or not getattr(embedder, "remote", False):
        return texts
    from opsvi_cli.llm.pii import cleared_texts

    return cleared_texts(app, texts, what="the text to embed", how="`opsvi config set safety.pii redact`")


def _guarded(app: AppContext, embedder: Embedder, texts: Sequence[str], kind: EmbedKind) -> Vectors:
    """With retries, breaker, rate limit, budget and usage when the embedder asks a server."""
    if not getattr(embedder, "remote", False):
        return _embed(embedder, texts, kind)
    from .remote_embedder import RemoteEmbedder

    key = f"embedder:{embedder.fingerprint.partition(':')[0]}"
    with embedder.paid(app, texts) if isinstance(embedder, RemoteEmbedder) else contextlib.nullcontext():
        return app.foundation.resilience.call(key, lambda: _embed(embedder, texts, kind))


def _embed(embedder: Embedder, texts: Sequence[str], kind: EmbedKind) -> Vectors:
    """What the embedder gives, checked: a row a text, of its dimension, finite; zeros only for a text without words.

    Which row belongs to which text is known to the embedder alone: those that ask a server order by its numbering.
    """
    import numpy as np

    remote = getattr(embedder, "remote", False)
    with failures_named(embedder.fingerprint.partition(":")[0], remote, partial(_bad, embedder)):
        made = np.asarray(embedder.embed(texts, kind), dtype=np.float32)
        shape = (len(texts), embedder.dimension)
    if made.shape != shape:
        raise _bad(embedder, f"gave numbers of shape {made.shape} for {len(texts)} texts, not {shape}")
    if not np.isfinite(made).all():
        raise _bad(embedder, "gave numbers that are not finite")
    filled = (row for text, row in zip(texts, made, strict=True) if text.strip())
    if remote and not all(row.any() for row in filled):
        raise _bad(embedder, "gave zeros for a text that is not empty")
    return made


def _bad(embedder: Embedder, what: str) -> PluginError:
    return PluginError(
        f"embedder {embedder.fingerprint} {what}",
        hint="use another with --embedder; `opsvi plugins list` names the plugin",
    )


def _key(embedder: Embedder, kind: EmbedKind, text: str) -> str:
    head = f"{embedder.fingerprint}\0{kind}\0".encode()
    return hashlib.sha256(head + text.encode("utf-8", "surrogatepass")).hexdigest()


def _batches(texts: Iterable[str], size: int) -> Iterable[list[str]]:
    rest = iter(texts)
    while batch := list(itertools.islice(rest, size)):
        yield batch


def embed_lines(app: AppContext, texts: Sequence[str] | None, name: str) -> Iterator[tuple[str, list[float]]]:
    """(text, vector) of each text, or of each line of stdin that is not blank. Raises UsageError when there is none."""
    embedder = load_embedder(app, name)
    if texts is None:
        texts = [line for line in app.read_stdin_bytes().decode("utf-8", errors="replace").splitlines() if line.strip()]
        if not texts:
            raise UsageError("there is no text to embed", hint='opsvi embed "disk full"')
    for batch in _batches(texts, BATCH):
        for text, vector in zip(batch, embed_texts(app, embedder, _cleared(app, embedder, batch)), strict=True):
            yield text, [float(str(number)) for number in vector]
