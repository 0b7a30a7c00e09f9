"""Vectors from a server, checked before anything is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .servers import Server
from .stores import Vectors


def checked_vectors(rows: Sequence[Sequence[float]], count: int, server: Server) -> Vectors:
    """float32, shape (count, dimension), rows L2-normalised.

    Raises ProviderError (bad-response) when rows are missing, differ in length, are zero or not finite.
    """
    import numpy

    if len(rows) != count:
        raise server.bad_response(f"{len(rows)} vectors came for {count} texts")
    try:
        matrix = numpy.asarray(rows, dtype=numpy.float64)
    except (TypeError, ValueError):
        raise server.bad_response("the vectors are no lists of numbers, or differ in length") from None
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise server.bad_response("the vectors are no lists of numbers, or differ in length")
    if not numpy.isfinite(matrix).all():
        raise server.bad_response("a vector holds a number that is not finite")
    norms = numpy.linalg.norm(matrix, axis=1, keepdims=True)
    if (norms == 0).any() or not numpy.isfinite(norms).all():
        raise server.bad_response("a vector is zero")
    vectors: Vectors = (matrix / norms).astype(numpy.float32)
    return vectors


def embed_in_batches(
    texts: Sequence[str],
    request: Callable[[list[str]], Vectors],
    *,
    dimension: int,
    batch: int,
    server: Server,
    prefix: str = "",
) -> Vectors:
    """`embed` of an embedder that asks a server: float32, shape (len(texts), dimension).

    `request` gives the vectors of at most `batch` texts, none of them empty: servers refuse those, and their vector is
    zero by contract. Half a surrogate pair cannot be sent and becomes a question mark. Raises ProviderError
    (bad-response) for vectors of another dimension.
    """
    import numpy

    rows = numpy.zeros((len(texts), dimension), dtype=numpy.float32)
    wanted = [position for position, text in enumerate(texts) if text.strip()]
    for start in range(0, len(wanted), batch):
        positions = wanted[start : start + batch]
        vectors = request([prefix + texts[p].encode("utf-8", "replace").decode() for p in positions])
        if vectors.shape[1] != dimension:
            raise server.bad_response(f"vectors have {vectors.shape[1]} numbers where {dimension} were expected")
        rows[positions] = vectors
    return rows
