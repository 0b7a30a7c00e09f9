"""How opsvi itself was installed, told by files in its environment, and so which installer that environment answers to.

uv-tool    `uv tool install opsvi`: uv-receipt.toml in the environment
pipx       `pipx install opsvi`: pipx_metadata.json in it
project    the environment of a project with a lock file above it: the next sync removes what nobody wrote down
pip        any Python with pip
uv         a virtual environment without pip, while uv is on the PATH
managed    a Python that its distributor manages (PEP 668), outside of a virtual environment
read-only  an environment that this user cannot write
bare       neither pip nor uv
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import site
import sys
import sysconfig
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from opsvi_cli.errors import OpsviError

Kind: TypeAlias = Literal["uv-tool", "pipx", "project", "pip", "uv", "managed", "read-only", "bare"]
_LOCKS: Mapping[str, str] = {
    "uv.lock": "uv add",
    "poetry.lock": "poetry add",
    "pdm.lock": "pdm add",
    "Pipfile.lock": "pipenv install",
}


@dataclass(frozen=True, slots=True)
class Python:
    """What is asked of the running interpreter; tests make others."""

    prefix: Path
    base_prefix: Path
    executable: str
    stdlib: Path
    site: Path
    """Where distributions go; for an opsvi in the user's own site directory, that one."""
    scripts: Path
    has_pip: bool
    user: bool = False
    """opsvi is in the user's site directory (`pip install --user`)."""

    @property
    def virtual(self) -> bool:
        return self.prefix != self.base_prefix

    @classmethod
    def running(cls) -> Python:
        here = Path(__file__).resolve()
        user_site = Path(site.getusersitepackages()).resolve()
        user = sys.prefix == sys.base_prefix and here.is_relative_to(user_site)
        scheme = sysconfig.get_preferred_scheme("user") if user else sysconfig.get_default_scheme()
        return cls(
            prefix=Path(sys.prefix),
            base_prefix=Path(sys.base_prefix),
            executable=sys.executable,
            stdlib=Path(sysconfig.get_path("stdlib")),
            site=Path(sysconfig.get_path("purelib", scheme)),
            scripts=Path(sysconfig.get_path("scripts", scheme)),
            has_pip=importlib.util.find_spec("pip") is not None,
            user=user,
        )


UV_RECEIPT = "uv-receipt.toml"


@dataclass(frozen=True, slots=True)
class Installation:
    """The environment of opsvi. `receipt` is what its installer wrote down about it; `tool` is that installer."""

    kind: Kind
    python: Python
    tool: str = ""
    """Path of uv or pipx; empty where pip is used, or nothing."""
    receipt: Mapping[str, Any] = field(default_factory=dict)
    project: Path | None = None
    command: str = ""
    """Of a project: what its user would type to add a distribution."""

    def refuse(self, what: str) -> OpsviError | None:
        """Why nothing can be installed here, with the command that the user may run; None when it can."""
        python = self.python.executable
        apart = f"opsvi plugins install --isolated {what}"
        if self.kind == "project":
            return OpsviError(
                f"opsvi is in the environment of the project {self.project}, and the next sync would remove the plugin",
                hint=f"{self.command} {what}; or: {apart}",
            )
        if self.kind == "managed":
            return OpsviError(
                f"{python} is managed by the system, which keeps others from installing into it (PEP 668)",
                hint=f"install opsvi with `pipx install opsvi` or `uv tool install opsvi`; or: {apart}",
            )
        if self.kind == "read-only":
            return OpsviError(
                f"{self.python.site} cannot be written",
                hint=f"as its owner: {python} -m pip install {what}; or: {apart}",
            )
        if self.kind == "bare":
            return OpsviError(f"{python} has no pip, and there is no uv on the PATH", hint=f"install uv; or: {apart}")
        if not self.tool and self.kind in ("uv-tool", "pipx"):
            name = "uv" if self.kind == "uv-tool" else "pipx"
            return OpsviError(
                f"opsvi was installed with {name}, which is not on the PATH",
                hint=f"put {name} on the PATH; or: {apart}",
            )
        return None


def find_installation(env: Mapping[str, str], python: Python | None = None) -> Installation:
    """Look at the environment that runs. Raises OpsviError for a receipt that cannot be read."""
    python = python or Python.running()
    uv, pipx = _which("uv", env), _which("pipx", env)
    if python.virtual:
        receipt = python.prefix / UV_RECEIPT
        if receipt.is_file():
            return Installation("uv-tool", python, uv, _toml(receipt).get("tool", {}))
        metadata = python.prefix / "pipx_metadata.json"
        if metadata.is_file():
            return Installation("pipx", python, pipx, _json(metadata))
        if (found := _project(python.prefix.parent, env)) is not None:
            return Installation("project", python, project=found[0], command=found[1])
    elif (python.stdlib / "EXTERNALLY-MANAGED").is_file():
        return Installation("managed", python)
    if not os.access(_nearest(python.site), os.W_OK | os.X_OK):
        return Installation("read-only", python)
    if python.has_pip:
        return Installation("pip", python)
    if uv and python.virtual:
        return Installation("uv", python, uv)
    return Installation("bare", python)


def _which(name: str, env: Mapping[str, str]) -> str:
    return shutil.which(name, path=env.get("PATH", os.defpath)) or ""


def _nearest(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _project(start: Path, env: Mapping[str, str]) -> tuple[Path, str] | None:
    """(the project whose lock file is nearest, its command), from the folder that holds the environment upwards.

    The search ends at the first pyproject.toml or repository, and at the home directory.
    """
    for folder in (start, *start.parents):
        for name, command in _LOCKS.items():
            if (folder / name).is_file():
                return folder, command
        ends = (folder / "pyproject.toml").exists() or (folder / ".git").exists()
        if ends or str(folder) == env.get("HOME"):
            return None
    return None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        raise OpsviError(f"{path} cannot be read", hint="uv tool install --force opsvi") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise OpsviError(f"{path} cannot be read", hint="pipx reinstall opsvi")
    return found
