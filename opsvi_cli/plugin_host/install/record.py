"""`plugins.toml`: the plugins that were installed by command, so that an upgrade of opsvi cannot lose them unseen.

One table `[[plugin]]` a distribution: `name`, `requirement` (pinned: `foo==1.2`, an absolute path, `git+URL@COMMIT`),
`version`, `isolated`, `plugins` (names of entry points), `installed` (ISO-8601 in UTC).
"""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from opsvi_cli.errors import OpsviError
from opsvi_cli.foundation.paths import Paths

FREEZE_FIELDS = ("name", "requirement", "version", "isolated", "plugins", "installed")
_ISOLATED_COMMENT = "  # isolated"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One distribution. `name` is canonical."""

    name: str
    requirement: str
    version: str = ""
    isolated: bool = False
    plugins: tuple[str, ...] = ()
    installed: str = ""

    def line(self) -> str:
        """For a requirements file; a comment says what such a file has no word for."""
        return self.requirement + (_ISOLATED_COMMENT if self.isolated else "")

    def row(self) -> dict[str, Any]:
        return {**asdict(self), "plugins": list(self.plugins)}


def record_file(paths: Paths) -> Path:
    return paths.data / "plugins.toml"


def read_record(paths: Paths) -> list[Recorded]:
    """What is recorded, by name; nothing when there is no record. Raises OpsviError when it cannot be read."""
    path = record_file(paths)
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("plugin", [])
        found = [_recorded(table) for table in tables]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise OpsviError(f"{path}: the record of plugins is damaged", hint=f"mend it, or remove it: {path}") from None
    return sorted(found, key=lambda each: each.name)


def _recorded(table: dict[str, Any]) -> Recorded:
    texts = [
        table["name"],
        table["requirement"],
        table.get("version", ""),
        table.get("installed", ""),
        *table["plugins"],
    ]
    if not all(isinstance(text, str) for text in texts) or not isinstance(table.get("isolated", False), bool):
        raise ValueError(table)
    return Recorded(
        table["name"],
        table["requirement"],
        table.get("version", ""),
        table.get("isolated", False),
        tuple(table["plugins"]),
        table.get("installed", ""),
    )


def write_record(paths: Paths, plugins: Sequence[Recorded]) -> None:
    """Replace the record, whole or not at all."""
    import tomli_w

    from opsvi_cli.foundation.files import write_atomic

    rows = [each.row() for each in sorted(plugins, key=lambda each: each.name)]
    write_atomic(record_file(paths), "# Written by `opsvi plugins`.\n" + tomli_w.dumps({"plugin": rows}))


@contextlib.contextmanager
def changing(paths: Paths) -> Iterator[None]:
    """One change of plugins at a time, in this home. Raises StoreError when another process is at it."""
    from opsvi_cli.foundation.locks import hold

    with hold(paths.data / "plugins.lock", "the set of plugins"):
        yield


def missing(paths: Paths) -> list[Recorded]:
    """What is recorded and not there any more, by name. A damaged record counts as empty here."""
    try:
        recorded = read_record(paths)
    except OpsviError:
        return []
    if not recorded:
        return []
    from opsvi_cli.plugin_host.isolation.environment import installed

    apart = {plugin.distribution for plugin in installed(paths) if not plugin.error}
    return [each for each in recorded if not (each.name in apart if each.isolated else _is_there(each.name))]


def _is_there(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    except Exception:  # noqa: BLE001  # it is there, with damaged metadata
        return True
    return True


def parse_requirements(text: str) -> list[tuple[str, bool]]:
    """(requirement, isolated) of each line of a requirements file, as `freeze` prints it. Options are refused."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        # A hash begins a comment only after a space: addresses have fragments.
        requirement = line.partition(" #")[0].strip() if not line.lstrip().startswith("#") else ""
        if requirement.startswith("-"):
            raise OpsviError(f"line {number}: options are not read here", hint="give them as options of the command")
        if requirement:
            found.append((requirement, line.rstrip().endswith(_ISOLATED_COMMENT.strip())))
    return found
