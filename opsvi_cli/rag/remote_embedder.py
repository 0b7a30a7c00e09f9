"""Embedders that ask a server, and may have to be paid."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from opsvi_cli.llm.models import ModelChoice
from opsvi_cli.sdk import Embedder, Vectors

from .paid_calls import paid

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext
    from opsvi_cli.foundation.services import PartServices


@dataclass(frozen=True)
class RemoteEmbedder:
    """An embedder with the name and the settings it was asked for by, which say what it costs."""

    part: Embedder
    services: PartServices
    remote = True

    @property
    def fingerprint(self) -> str:
        return self.part.fingerprint

    @property
    def dimension(self) -> int:
        return self.part.dimension

    @property
    def fusion_weight(self) -> float:
        return self.part.fusion_weight

    @property
    def choice(self) -> ModelChoice:
        options = self.services.options
        # A fingerprint is the vendor, the model and what else shapes the vectors.
        model = str(options.get("model") or "") or self.fingerprint.partition(":")[2].rpartition(":")[0]
        return ModelChoice(self.services.name, model, str(options.get("base_url") or ""), "parts")

    def embed(self, texts: Sequence[str], kind: Literal["document", "query"] = "document") -> Vectors:
        return self.part.embed(texts, kind)

    def paid(self, app: AppContext, texts: Sequence[str]) -> AbstractContextManager[None]:
        return paid(app, self.choice, self.part, self.services, texts)
