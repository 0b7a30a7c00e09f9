"""A child process that loads the installed plugins and says what became of each.

This process has imported what was there before; only a new one sees what is there now. It is also where a plugin that
hangs, kills its process or takes all memory does no harm.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError
from opsvi_cli.plugin_host.installers import canonical

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One installed plugin as a new process finds it. `status` is ok, warning or broken."""

    name: str
    distribution: str
    """Its canonical name."""
    version: str
    status: str
    error: str
    parts: tuple[str, ...]
    """`kind:name`."""


@dataclass(frozen=True, slots=True)
class Look:
    """The environment as a new process finds it: versions of all distributions, and the installed plugins."""

    distributions: Mapping[str, str]
    """Canonical name to version."""
    plugins: tuple[Seen, ...]

    def of(self, distribution: str) -> list[Seen]:
        return [plugin for plugin in self.plugins if plugin.distribution == distribution]


def look(app: AppContext, python: str) -> Look:
    """Start the child and read what it found. Raises OpsviError when it does not come to an end."""
    descriptor, name = tempfile.mkstemp(prefix="opsvi-probe-")
    os.close(descriptor)
    answer = Path(name)
    # -P: a file of the working directory must not pass for a module.
    argv = [python, "-P", "-m", "opsvi_cli.plugin_host.install.probe", str(answer)]
    env = {key: value for key, value in app.env.items() if key not in ("OPSVI_PLUGINS", "OPSVI_NO_PLUGINS")}
    left = app.remaining()
    try:
        done = subprocess.run(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="backslashreplace",
            timeout=SECONDS if left is None else min(left, SECONDS),
            check=False,
        )
        said = done.stderr.strip().splitlines()
        found = json.loads(answer.read_bytes() or b"null")
        if done.returncode != 0 or found is None:
            reason = said[-1] if said else f"the process ended with {done.returncode}"
            raise OpsviError(f"opsvi does not start any more with what is installed: {reason}")
        return _read(found)
    except subprocess.TimeoutExpired:
        app.remaining()
        raise OpsviError(f"loading the installed plugins took over {SECONDS:.0f} s") from None
    finally:
        answer.unlink(missing_ok=True)


def _read(found: Mapping[str, Any]) -> Look:
    plugins = tuple(Seen(**{**item, "parts": tuple(item["parts"])}) for item in found["plugins"])
    return Look(dict(found["distributions"]), plugins)


def installed_versions() -> dict[str, str]:
    """Canonical name to version of every distribution that this process can import. Never raises."""
    from importlib.metadata import distributions

    found: dict[str, str] = {}
    for distribution in distributions():
        try:
            found.setdefault(canonical(str(distribution.metadata["Name"])), str(distribution.version))
        except Exception:  # noqa: BLE001, S112  # METADATA is missing or damaged
            continue
    return found


def describe() -> dict[str, Any]:
    """In the child: load every installed plugin beside the built-in one, disabled or not."""
    from opsvi_cli.plugin_host.discovery import find_installed
    from opsvi_cli.plugin_host.host import Plugins
    from opsvi_cli.plugin_host.isolation.children import Children
    from opsvi_cli.plugin_host.loading import load_all

    def no_children() -> Children:
        raise OpsviError("isolated plugins are not loaded here")

    plugins = Plugins(
        lambda manager, registry: load_all(find_installed(), manager, registry, disabled=()),
        warn=lambda _text: None,
        children=no_children,
    )
    return {
        "distributions": installed_versions(),
        "plugins": [
            {
                "name": report.name,
                "distribution": canonical(report.distribution),
                "version": report.version,
                "status": report.status,
                "error": report.error or "",
                "parts": [f"{part.kind}:{part.name}" for part in report.parts],
            }
            for report in plugins.reports()
            if report.origin == "distribution"
        ],
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(describe()), encoding="utf-8")
