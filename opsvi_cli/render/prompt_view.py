"""How the answer of `opsvi prompt` is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """`extract`: only the last code block. `jobs`: samples asked at a time. `usage`: tokens and time on stderr."""

    extract: bool = False
    samples: int = 1
    usage: bool = False
    jobs: int = 1
