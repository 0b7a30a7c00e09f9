"""What an installation would do: the plugins with all that is known of them, and the commands. Changes nothing."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from opsvi_cli import __version__
from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.plugin_host.installers import Step, canonical

from .asked import Asked, Options
from .commands import Target, install_steps, isolated_options
from .fetching import look_into
from .inspection import Facts
from .probe import installed_versions
from .where_opsvi_lives import Installation, find_installation

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

Action: TypeAlias = Literal["install", "upgrade", "keep"]


@dataclass(frozen=True, slots=True)
class Item:
    """One distribution of a plan. `former` is the version that is there now, else empty."""

    facts: Facts
    isolated: bool
    action: Action
    former: str = ""

    @property
    def name(self) -> str:
        """Canonical; empty when it is known only after it was built."""
        return canonical(self.facts.name)

    @property
    def target(self) -> Target:
        return Target(self.name, self.facts.asked.requirement)

    def pinned(self, version: str) -> str:
        """For the record: exactly this, whatever the index has later."""
        if self.facts.asked.source != "name":
            return self.facts.asked.requirement
        from packaging.requirements import Requirement

        extras = ",".join(sorted(Requirement(self.facts.asked.requirement).extras))
        return f"{self.facts.name}{f'[{extras}]' if extras else ''}=={version}"


@dataclass(frozen=True, slots=True)
class Plan:
    """`steps` change opsvi's own environment; `apart` are the commands that make environments of isolated plugins."""

    home: Installation
    items: tuple[Item, ...]
    steps: tuple[Step, ...]
    apart: tuple[tuple[str, ...], ...]
    options: Options
    pin: Path

    @property
    def shared(self) -> list[Item]:
        """What goes into opsvi's own environment."""
        return [item for item in self.items if not item.isolated and item.action != "keep"]

    @property
    def isolated(self) -> list[Item]:
        return [item for item in self.items if item.isolated and item.action != "keep"]

    @property
    def changing(self) -> list[Item]:
        return [item for item in self.items if item.action != "keep"]

    @property
    def empty(self) -> bool:
        return not self.changing

    def commands(self) -> list[str]:
        import shlex

        return [*(shlex.join(argv) for argv in self.apart), *(step.shown() for step in self.steps)]


@contextlib.contextmanager
def planned(
    app: AppContext,
    asked: Sequence[tuple[Asked, bool]],
    options: Options,
    *,
    keep: bool = False,
    failed: list[OpsviError] | None = None,
) -> Iterator[Plan]:
    """Look into everything that is asked for (each with: isolated or not) and work out the commands.

    `keep` leaves alone what is there in any version; with `failed`, what cannot be looked into is left out, and why is
    added to that list. Raises UsageError for what is no plugin, OpsviError when this
    environment is not to be changed.
    """
    home = find_installation(app.env)
    present = installed_versions()
    with tempfile.TemporaryDirectory(prefix="opsvi-plan-") as folder:
        items: list[Item] = []
        for number, (each, isolated) in enumerate(asked):
            place = Path(folder, str(number))
            place.mkdir()
            try:
                items.append(_item(app, each, isolated, home, options, present, place, keep=keep))
            except OpsviError as error:
                if failed is None:
                    raise
                failed.append(error)
        _check_names(app, items, present)
        pin = _pin(Path(folder), items)
        shared = [item for item in items if not item.isolated and item.action != "keep"]
        refused = home.refuse(" ".join(item.facts.asked.text for item in shared)) if shared else None
        if refused is not None:
            raise refused
        steps = (
            install_steps(home, [item.target for item in shared], options, pin, frozenset(present)) if shared else []
        )
        yield Plan(home, tuple(items), tuple(steps), tuple(_apart(app, items, options)), options, pin)


def _item(
    app: AppContext,
    asked: Asked,
    isolated: bool,
    home: Installation,
    options: Options,
    present: dict[str, str],
    folder: Path,
    *,
    keep: bool,
) -> Item:
    if asked.source == "name" and not isolated and not options.upgrade:
        found = _already(asked, present, any_version=keep)
        if found is not None:
            return Item(found, False, "keep", found.version)
    facts = look_into(app, asked, home, options, folder)
    apart = isolated or facts.manifest.isolated
    name = canonical(facts.name)
    if apart:
        if not name:
            raise UsageError(
                f"{asked.text}: its name is known only after it was built, and an isolated plugin needs one",
                hint="write the name into its pyproject.toml",
            )
        former = next((plugin.version for plugin in _environments(app) if plugin.distribution == name), "")
    else:
        former = present.get(name, "")
    if keep and former:
        return Item(facts, apart, "keep", former)
    return Item(facts, apart, "upgrade" if former else "install", former)


def _already(asked: Asked, present: dict[str, str], *, any_version: bool) -> Facts | None:
    """Of a plugin that is there in a version that was asked for: nothing has to be fetched."""
    from importlib.metadata import distribution

    from packaging.requirements import Requirement

    requirement = Requirement(asked.requirement)
    version = present.get(canonical(requirement.name))
    if version is None or requirement.extras:
        return None
    if not (any_version or requirement.specifier.contains(version, prereleases=True)):
        return None
    points = {point.name: point.value for point in distribution(requirement.name).entry_points.select(group="opsvi")}
    if not points:
        return None  # it is there as something else; looking into it says what is wrong
    return Facts(asked, requirement.name, version, plugins=points)


def _environments(app: AppContext) -> Sequence[Any]:
    from opsvi_cli.plugin_host.isolation.environment import installed

    return installed(app.paths)


def _check_names(app: AppContext, items: Sequence[Item], present: dict[str, str]) -> None:
    """Raises UsageError for a distribution asked for twice, or that is there in the other way."""
    apart = {plugin.distribution for plugin in _environments(app)}
    for number, item in enumerate(items):
        if item.name and item.name in [other.name for other in items[:number]]:
            raise UsageError(f"{item.facts.name} is asked for twice", hint="give one of the two")
        if item.name == "opsvi":
            raise UsageError("opsvi itself is no plugin of opsvi", hint="upgrade it the way it was installed")
        elsewhere = item.name in present if item.isolated else item.name in apart
        if elsewhere:
            where = "opsvi's own environment" if item.isolated else "an environment of its own"
            raise UsageError(f"{item.name} is there already, in {where}", hint=f"opsvi plugins uninstall {item.name}")


def _pin(folder: Path, items: Sequence[Item]) -> Path:
    """A constraints file: opsvi stays what it is, and what was looked into is what is installed."""
    lines = [f"opsvi=={__version__}"]
    lines += [
        f"{item.name}=={item.facts.version}"
        for item in items
        if item.facts.asked.source == "name" and item.facts.looked and not item.isolated
    ]
    pin = folder / "constraints.txt"
    pin.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return pin


def _apart(app: AppContext, items: Sequence[Item], options: Options) -> Iterator[tuple[str, ...]]:
    from opsvi_cli.plugin_host.isolation.environment import plan

    for item in items:
        if item.isolated and item.action != "keep":
            for argv in plan(app, isolated_requirement(item), pip_options=isolated_options(options)):
                yield tuple(argv)


def isolated_requirement(item: Item) -> str:
    """What was looked into, and nothing else."""
    known = item.facts.looked and item.facts.asked.source == "name"
    return item.pinned(item.facts.version) if known else item.facts.asked.requirement
