"""What is known of each plugin after it was looked at: the rows of `opsvi plugins list`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from opsvi_cli.sdk import Part

Status: TypeAlias = Literal["ok", "warning", "broken", "disabled", "missing"]
Origin: TypeAlias = Literal["built-in", "distribution", "environment", "isolated", "project", "settings"]


@dataclass(frozen=True, slots=True)
class PluginReport:
    """One plugin. `error` says what is wrong with it, in one line; it is None only for `ok` and `disabled`."""

    name: str
    origin: Origin
    distribution: str
    """Name of the distribution that carries it; for OPSVI_PLUGINS and settings the module or path."""
    version: str
    target: str
    """What its entry point names."""
    status: Status
    error: str | None = None
    api: str = ""
    seconds: float = 0.0
    """Wall-clock time of its import; 0 for one that is not imported here."""
    parts: tuple[Part, ...] = ()
    lost: tuple[Part, ...] = ()
    """Parts it had registered before it broke; they are not usable."""
    hooks: tuple[str, ...] = ()
    python: Path | None = None
    """The interpreter of an isolated plugin's environment."""

    @property
    def words(self) -> frozenset[str]:
        """The names under which a person may ask for it, in lower case."""
        names = {self.name, self.distribution, self.distribution.removeprefix("opsvi-")}
        return frozenset(name.lower().replace("_", "-") for name in names if name)
