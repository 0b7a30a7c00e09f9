"""What happened, and what is wrong: the records that plugins see and give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .documents import JSON


@dataclass(frozen=True, slots=True)
class Event:
    """`name` is dotted (`model.call`, `ingest.done`); `time` is ISO-8601 in UTC; secrets are redacted."""

    name: str
    time: str
    data: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One line of `opsvi doctor`. `hint` is the command that mends it."""

    name: str
    status: Literal["ok", "warning", "error"]
    detail: str
    hint: str = ""
