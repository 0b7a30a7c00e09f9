"""The contract of `sdk.Embedder`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from opsvi_cli.sdk import Embedder

from .contract import Contract, is_text, show

TEXTS = (
    "The disk of the database server is full.",
    "",
    "Backups run every night at two.",
    "naïve café 数据 \U0001f600 e\u0301",
    "word " * 3000,
    "nul \0 tab \t line \n end",
)
EMPTY = 1
CLOSE = 1e-3
"""Servers compute the same text a little differently from call to call."""


def check_embedder(embedder: Embedder) -> None:
    """Hold an embedder to its contract: shape, type and length of rows, the same rows in any order and batch.

    Calls `embed` about eight times with a handful of texts. Raises ContractError.
    """
    with Contract(embedder) as contract:
        _attributes(contract, embedder)
        before = getattr(embedder, "fingerprint", None)
        for kind in ("document", "query"):
            _rows(contract, embedder, kind)
        _default_kind(contract, embedder)
        _order(contract, embedder)
        _nothing(contract, embedder)
        contract.equal(
            getattr(embedder, "fingerprint", None), before, "`fingerprint` must stay the same while it is used"
        )


def _attributes(contract: Contract, embedder: Embedder) -> None:
    with contract.attempt("reading `fingerprint`, `dimension` and `fusion_weight`"):
        contract.expect(
            is_text(embedder.fingerprint), "`fingerprint` must be a text", f"it is {show(embedder.fingerprint)}"
        )
        size: Any = embedder.dimension
        whole = isinstance(size, int) and not isinstance(size, bool) and size > 0
        contract.expect(whole, "`dimension` must be a whole number from 1 on", f"it is {show(size)}")
        weight: Any = embedder.fusion_weight
        fits = isinstance(weight, (int, float)) and not isinstance(weight, bool) and 0 <= weight <= 1
        contract.expect(fits, "`fusion_weight` must be a number from 0 to 1", f"it is {show(weight)}")
        remote: Any = getattr(embedder, "remote", False)
        contract.expect(isinstance(remote, bool), "`remote` must be True or False", f"it is {show(remote)}")


def _embed(
    contract: Contract, embedder: Embedder, texts: Sequence[str], kind: Literal["document", "query"] = "document"
) -> Any:
    """The rows, or None when they are no array of the right shape and type."""
    import numpy as np

    doing = f"`embed` of {len(texts)} texts as {kind!r}" if texts else f"`embed` of no text as {kind!r}"
    given = list(texts)
    rows: Any = None
    with contract.attempt(doing):
        rows = embedder.embed(given, kind)
    contract.equal(given, list(texts), "`embed` must leave the list of texts as it is")
    if rows is None:
        contract.expect(False, f"{doing} must give an array", "it gave None")
        return None
    array = isinstance(rows, np.ndarray)
    if not contract.expect(array, "`embed` must give a numpy array", f"it gave {type(rows).__name__}"):
        return None
    contract.expect(rows.dtype == np.float32, "`embed` must give float32", f"it gave {rows.dtype}")
    shape = (len(texts), embedder.dimension)
    if not contract.expect(rows.shape == shape, f"{doing} must give the shape {shape}", f"it gave {rows.shape}"):
        return None
    return rows


def _rows(contract: Contract, embedder: Embedder, kind: Literal["document", "query"]) -> None:
    import numpy as np

    rows = _embed(contract, embedder, TEXTS, kind)
    if rows is None:
        return
    if not contract.expect(bool(np.isfinite(rows).all()), "every number must be finite", "some are NaN or infinite"):
        return
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
    contract.expect(
        not rows[EMPTY].any(), "the row of an empty text must be zeros", f"its length is {lengths[EMPTY]:.4g}"
    )
    words = np.delete(lengths, EMPTY)
    contract.expect(
        bool(np.allclose(words, 1, atol=CLOSE)),
        "the row of a text with words must have the length 1",
        f"the lengths are {', '.join(f'{length:.4g}' for length in words)}",
    )
    again = _embed(contract, embedder, TEXTS, kind)
    if again is not None:
        contract.expect(
            bool(np.allclose(rows, again, atol=CLOSE)),
            "the same text must get the same row again",
            f"numbers differ by up to {float(np.abs(rows - again).max(initial=0)):.4g}",
        )


def _default_kind(contract: Contract, embedder: Embedder) -> None:
    import numpy as np

    with contract.attempt("`embed` without a kind"):
        rows: Any = embedder.embed([TEXTS[0]])
        named: Any = embedder.embed([TEXTS[0]], "document")
        same = np.shape(rows) == np.shape(named) and bool(np.allclose(rows, named, atol=CLOSE))
        contract.expect(same, "`embed` without a kind must be that of a document", "it gave other numbers")


def _order(contract: Contract, embedder: Embedder) -> None:
    import numpy as np

    rows = _embed(contract, embedder, TEXTS)
    turned = _embed(contract, embedder, TEXTS[::-1])
    alone = _embed(contract, embedder, TEXTS[:1])
    if rows is None or turned is None or alone is None:
        return
    contract.expect(
        bool(np.allclose(rows[::-1], turned, atol=CLOSE)),
        "a row must belong to its text, in whatever order the texts come",
        "the rows of the reversed texts are not the reversed rows",
    )
    contract.expect(
        bool(np.allclose(rows[0], alone[0], atol=CLOSE)),
        "a text must get the same row alone and in a batch",
        f"numbers differ by up to {float(np.abs(rows[0] - alone[0]).max()):.4g}",
    )


def _nothing(contract: Contract, embedder: Embedder) -> None:
    for kind in ("document", "query"):
        _embed(contract, embedder, [], kind)
