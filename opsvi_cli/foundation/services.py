"""First version of what parts are handed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .paths import Paths
from .redact import Redactor
from .schema import Root


@dataclass
class PartServices:
    name: str
    options: Mapping[str, Any]
    log: logging.Logger
    data_dir: Path
    cache_dir: Path
    foundation: Foundation

    def secret(self, reference: str) -> str:
        return self.foundation.env[reference.removeprefix("env:")]

    def http(self, *, allow_private: bool = False, timeout: float | None = None) -> Any:
        import httpx2

        return httpx2.Client(timeout=timeout)

    def remaining(self) -> float | None:
        return self.foundation.remaining()


@dataclass
class Foundation:
    settings: Root
    paths: Paths
    env: Mapping[str, str]
    redactor: Redactor
    log: logging.Logger
    remaining: Callable[[], float | None]

    def for_part(self, kind: str, name: str, options: Mapping[str, Any]) -> PartServices:
        own = self.settings.providers if kind == "provider" else self.settings.parts
        merged = {**own.get(name, {}), **options}
        return PartServices(name, merged, self.log.getChild(name), self.paths.data, self.paths.cache, self)
