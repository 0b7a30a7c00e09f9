"""The contract of `sdk.Reranker`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from opsvi_cli.sdk import Hit, Reranker

from .contract import Contract, show

QUERY = "How long are backups kept?"
_TEXTS = (
    "Tom has the duty on Mondays.",
    "Backups are kept for 35 days.",
    "A recipe for soup with carrots.",
    "",
    "日本語 \U0001f600 e\u0301 \0",
)


def _hit(rank: int, text: str) -> Hit:
    source = f"/docs/{rank}.md"
    return Hit(rank, 1 / rank, text, source, f"d{rank}", f"d{rank}.0", "", None, None, 0, len(text), {"n": rank})


HITS = tuple(_hit(rank, text) for rank, text in enumerate(_TEXTS, 1))


def check_reranker(reranker: Reranker) -> None:
    """Hold a reranker to its contract: a finite score for each hit, in the order of the hits. Raises ContractError."""
    with Contract(reranker) as contract:
        scores = _scores(contract, reranker, QUERY, HITS)
        turned = _scores(contract, reranker, QUERY, HITS[::-1])
        if scores and turned and scores.count(max(scores)) == turned.count(max(turned)) == 1:
            best, same = HITS[scores.index(max(scores))], HITS[::-1][turned.index(max(turned))]
            contract.expect(
                best == same,
                "scores must be in the order of the hits, whatever that is",
                f"{best.text!r} is the best of the hits, and {same.text!r} when they come in the other order",
            )
        _scores(contract, reranker, QUERY, HITS[:1])
        _scores(contract, reranker, QUERY, [HITS[0], HITS[0]])
        _scores(contract, reranker, "", HITS)
        _scores(contract, reranker, "\ud83d\ude00 \0 " + "word " * 2000, HITS)
        remote: Any = getattr(reranker, "remote", False)
        contract.expect(isinstance(remote, bool), "`remote` must be True or False", f"it is {show(remote)}")
        empty = _scores(contract, reranker, QUERY, [])
        contract.expect(empty in (None, []), "no hits must get no scores", f"they got {show(empty)}")


def _scores(contract: Contract, reranker: Reranker, query: str, hits: Sequence[Hit]) -> list[float] | None:
    given = list(hits)
    scores: Any = None
    doing = f"`rerank` of {len(hits)} hits for {show(query)}"
    with contract.attempt(doing):
        scores = reranker.rerank(query, given)
        contract.expect(isinstance(scores, list), "`rerank` must give a list", f"it gave {show(scores)}")
    contract.equal(given, list(hits), "`rerank` must leave the list of hits as it is")
    if not isinstance(scores, list):
        return None
    numbers = all(isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in scores)
    right = contract.expect(numbers, "every score must be a finite number", f"they are {show(scores)}")
    whole = contract.expect(
        len(scores) == len(hits), "every hit must get a score", f"{len(hits)} hits got {len(scores)}"
    )
    return scores if right and whole else None
