"""Where opsvi keeps its files: XDG directories, or everything under OPSVI_HOME. Nothing is made by asking."""

from __future__ import annotations

import os
import sys
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
    system: tuple[Path, ...] = ()
    """Settings files of the machine, the most important first."""

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

    @property
    def calls_db(self) -> Path:
        """Prompts and answers: what `opsvi logs` shows."""
        return self.state / "calls.db"

    @property
    def secrets_file(self) -> Path:
        """Stored keys, encrypted with age."""
        return self.data / "secrets.age"

    @property
    def identity_file(self) -> Path:
        """The age identity that opens `secrets_file`."""
        return self.config / "identity.txt"

    @property
    def trust_file(self) -> Path:
        """Which settings files of projects the user has accepted."""
        return self.data / "trusted.json"


def home_directory(env: Mapping[str, str]) -> Path:
    """HOME, else what the account says."""
    return Path(env["HOME"]) if env.get("HOME") else Path.home()


def find_paths(env: Mapping[str, str]) -> Paths:
    """OPSVI_HOME, else XDG_*_HOME, else the platform's directories (XDG Base Directory Specification 0.8)."""
    system = tuple(
        Path(entry) / "opsvi" / "config.toml"
        for entry in (env.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
        if entry and Path(entry).is_absolute()
    )
    if home := env.get("OPSVI_HOME"):
        root = Path(home).expanduser().absolute()
        return Paths(root / "config", root / "data", root / "state", root / "cache", system)
    config, data, state, cache = _platform_paths(env)

    def chosen(variable: str, otherwise: Path) -> Path:
        # The specification: a relative path is invalid and must be ignored.
        value = env.get(variable, "")
        return Path(value) / "opsvi" if value and Path(value).is_absolute() else otherwise

    return Paths(
        chosen("XDG_CONFIG_HOME", config),
        chosen("XDG_DATA_HOME", data),
        chosen("XDG_STATE_HOME", state),
        chosen("XDG_CACHE_HOME", cache),
        system,
    )


def _platform_paths(env: Mapping[str, str], platform: str = sys.platform) -> tuple[Path, Path, Path, Path]:
    if os.name == "posix" and platform != "darwin":  # spares the import of platformdirs
        home = home_directory(env)
        return (
            home / ".config" / "opsvi",
            home / ".local" / "share" / "opsvi",
            home / ".local" / "state" / "opsvi",
            home / ".cache" / "opsvi",
        )
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("opsvi", appauthor=False)
    # On macOS settings and data share a directory; the names of the files in them differ.
    return dirs.user_config_path, dirs.user_data_path, dirs.user_state_path, dirs.user_cache_path


def private_dir(path: Path) -> Path:
    """Make a directory and what is missing above it, mode 0700; returns it."""
    missing = [path, *path.parents]
    for parent in reversed([p for p in missing if not p.exists()]):
        parent.mkdir(mode=0o700, exist_ok=True)
    return path
