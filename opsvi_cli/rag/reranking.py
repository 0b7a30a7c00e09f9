"""Passages in the order of a reranker, which reads the query and each of them together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from opsvi_cli.errors import PluginError, UsageError
from opsvi_cli.llm.models import ModelChoice
from opsvi_cli.sdk import JSON, Hit, Reranker

from .part_failures import failures_named

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.foundation.services import PartServices

NONE = "none"


@dataclass(frozen=True, slots=True)
class NamedReranker:
    name: str
    part: Reranker
    services: PartServices

    @property
    def choice(self) -> ModelChoice:
        options = self.services.options
        url = options.get("rerank_url") or options.get("base_url") or ""
        return ModelChoice(self.name, str(options.get("rerank_model") or ""), str(url), "parts")


def find_reranker(app: AppContext, wanted: str | None) -> NamedReranker | None:
    """The reranker `wanted`, `NAME` or `NAME:MODEL`; None of it: as the settings say. None for "none".

    Raises UsageError for an unknown name, PluginError for a broken one.
    """
    wanted = app.settings.retrieval.rerank if wanted is None else wanted
    if wanted in ("", NONE):
        return None
    name, _, model = wanted.partition(":")
    if app.plugins.registry.find("reranker", name) is None:
        known = ", ".join(part.name for part in app.plugins.registry.parts("reranker"))
        raise UsageError(f"there is no reranker {name!r}", hint=f"rerankers: {known}, or {NONE}; `opsvi plugins list`")
    options: dict[str, JSON] = {"rerank_model": model} if model else {}
    services = app.foundation.for_part("reranker", name, options)
    return NamedReranker(name, cast(Reranker, app.part("reranker", name, services=services)), services)


def reranked(app: AppContext, reranker: NamedReranker, query: str, hits: Sequence[Hit]) -> list[Hit]:
    """The hits with new scores, the best first.

    With retries, breaker, rate limit, budget and usage when it asks a server, and personal data in the query as
    `safety.pii` wants it. Raises PersonalDataError, BudgetError.
    """
    if not hits:
        return []
    if not getattr(reranker.part, "remote", False):
        scores = _scores(reranker, query, hits)
    else:
        scores = _paid_scores(app, reranker, query, hits)
    rescored = [replace(hit, score=score) for hit, score in zip(hits, scores, strict=True)]
    return sorted(rescored, key=lambda hit: (-hit.score, hit.chunk_id))


def _paid_scores(app: AppContext, reranker: NamedReranker, query: str, hits: Sequence[Hit]) -> list[float]:
    from opsvi_cli.llm.pii import cleared_texts

    from .paid_calls import paid

    (asked,) = cleared_texts(app, [query], what="the question", how="`opsvi config set safety.pii redact`")
    sent = [text for hit in hits for text in (asked, hit.text)]
    with paid(app, reranker.choice, reranker.part, reranker.services, sent):
        return app.foundation.resilience.call(f"reranker:{reranker.name}", lambda: _scores(reranker, asked, hits))


def _scores(reranker: NamedReranker, query: str, hits: Sequence[Hit]) -> list[float]:
    """Checked: a finite number a hit. Raises ProviderError for a server that failed, PluginError for the part."""
    with failures_named(reranker.name, getattr(reranker.part, "remote", False), partial(_bad, reranker)):
        found: Any = reranker.part.rerank(query, hits)
        scores = [float(score) for score in found]
    if len(scores) != len(hits):
        raise _bad(reranker, f"gave {len(scores)} scores for {len(hits)} hits")
    if not all(map(math.isfinite, scores)):
        raise _bad(reranker, "gave a score that is no finite number")
    return scores


def _bad(reranker: NamedReranker, what: str) -> PluginError:
    return PluginError(
        f"reranker {reranker.name} {what}", hint=f"search with --rerank {NONE}; `opsvi plugins list` names the plugin"
    )
