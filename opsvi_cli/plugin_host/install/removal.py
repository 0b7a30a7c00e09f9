"""What an uninstallation would do: where each plugin is, and the commands that take it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opsvi_cli.errors import NotFoundError, OpsviError, UsageError
from opsvi_cli.plugin_host.installers import Step, canonical
from opsvi_cli.plugin_host.isolation.environment import installed

from .commands import uninstall_steps
from .record import read_record
from .where_opsvi_lives import Installation, find_installation

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


@dataclass(slots=True)
class Removal:
    """Canonical names of distributions, by where they are. `forgotten` are recorded and gone already."""

    home: Installation
    shared: list[str] = field(default_factory=list)
    isolated: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    def names(self) -> list[str]:
        return [*self.shared, *self.isolated, *self.forgotten]


def planned_removal(app: AppContext, names: Sequence[str]) -> Removal:
    """Find each by the name of its distribution or of a plugin it brings.

    Raises NotFoundError for a name that nobody has, UsageError for opsvi itself, OpsviError when this environment is
    not to be changed.
    """
    found = Removal(find_installation(app.env))
    shared = _in_this_environment()
    apart = {plugin.distribution: plugin for plugin in installed(app.paths)}
    recorded = {each.name: each for each in read_record(app.paths)}
    aliases = {point: name for name, (_version, points) in shared.items() for point in points}
    aliases |= {point: name for name, plugin in apart.items() for point in plugin.modules}
    aliases |= {point: name for name, each in recorded.items() for point in each.plugins if point not in aliases}
    for text in names:
        known = {*shared, *apart, *recorded}
        name = canonical(text) if canonical(text) in known else aliases.get(text, canonical(text))
        if name == "opsvi":
            raise UsageError("opsvi itself is no plugin of opsvi", hint="remove it the way it was installed")
        if name not in known:
            raise _unknown(text, [*known, *aliases])
        if name in found.names():
            continue
        if name in shared:
            found.shared.append(name)
            found.versions[name] = shared[name][0]
        elif name in apart:
            found.isolated.append(name)
            found.versions[name] = apart[name].version
        else:
            found.forgotten.append(name)
            found.versions[name] = recorded[name].version
    if found.shared:
        _check(found.home, found.shared)
        found.steps = uninstall_steps(found.home, found.shared)
    return found


def _in_this_environment() -> dict[str, tuple[str, list[str]]]:
    """Canonical name -> (version, plugins) of the distributions that bring plugins."""
    from opsvi_cli.plugin_host.discovery import find_installed

    found: dict[str, tuple[str, list[str]]] = {}
    for candidate in find_installed():
        _version, points = found.setdefault(canonical(candidate.distribution), (candidate.version, []))
        points.append(candidate.name)
    return found


def _check(home: Installation, names: Sequence[str]) -> None:
    refused = home.refuse(" ".join(names))
    if refused is None:
        return
    words = home.command.replace(" add", " remove").replace(" install", " uninstall")
    hint = f"{words} {' '.join(names)}" if words else "remove it the way it was installed"
    raise OpsviError(refused.message.replace("would remove the plugin", "would bring it back"), hint=hint)


def _unknown(text: str, known: Sequence[str]) -> NotFoundError:
    from difflib import get_close_matches

    near = get_close_matches(text, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return NotFoundError(f"there is no plugin {text[:80]!r}", hint=f"{hint}`opsvi plugins list` names them")
