"""Where opsvi keeps its files: XDG directories, or everything under OPSVI_HOME. Nothing is made by asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """Directories of one user. They are made, mode 0700, when something is first written."""

    config: Path
    data: Path
    state: Path
    cache: Path

    @property
    def settings_file(self) -> Path:
        return self.config / "config.toml"

    @property
    def collections(self) -> Path:
        return self.data / "collections"

    @property
    def state_db(self) -> Path:
        """Events, usage, breakers: what processes share."""
        return self.state / "state.db"


def find_paths(env: Mapping[str, str]) -> Paths:
    """OPSVI_HOME, else XDG_*_HOME, else the platform's directories."""
    if home := env.get("OPSVI_HOME"):
        root = Path(home).expanduser().absolute()
        return Paths(root / "config", root / "data", root / "state", root / "cache")
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("opsvi", appauthor=False)
    return Paths(dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_cache_path)


def private_dir(path: Path) -> Path:
    """Make a directory and what is missing above it, mode 0700; returns it."""
    missing = [path, *path.parents]
    for parent in reversed([p for p in missing if not p.exists()]):
        parent.mkdir(mode=0o700, exist_ok=True)
    return path
