"""What every built-in store refuses: documents and queries that do not fit their collection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from opsvi_cli.sdk import CollectionInfo, DocumentWrite, StoreError, Vectors


def check_batch(batch: Sequence[DocumentWrite], dimension: int) -> None:
    """Refuse what does not fit before anything is written. Raises StoreError."""
    for item in batch:
        name = item.record.id
        if np.shape(item.vectors) != (len(item.chunks), dimension):
            raise StoreError(
                f"document {name!r}: vectors of shape {np.shape(item.vectors)} for {len(item.chunks)} chunks "
                f"in a collection of {dimension} numbers",
                hint="use the collection's own embedder, or another collection with -c",
            )
        if not np.isfinite(item.vectors).all():
            raise StoreError(f"document {name!r}: a vector is not finite", hint="use another embedder")
        for chunk in item.chunks:
            if chunk.document_id != name or item.text[chunk.start : chunk.end] != chunk.text:
                raise StoreError(
                    f"document {name!r}: chunk {chunk.id!r} is not the text at {chunk.start}:{chunk.end}",
                    hint="a plugin changed it: `opsvi plugins list`; OPSVI_NO_PLUGINS=1 runs without plugins",
                )


def query_row(vector: Vectors, info: CollectionInfo) -> Vectors:
    """The vector of a query as one float32 row. Raises StoreError when it is not of the collection's dimension."""
    wanted = np.asarray(vector, dtype=np.float32).reshape(-1)
    if wanted.size != info.dimension:
        raise StoreError(
            f"a vector of {wanted.size} numbers cannot search collection {info.name!r} of {info.dimension}",
            hint="use the collection's own embedder",
        )
    return wanted
