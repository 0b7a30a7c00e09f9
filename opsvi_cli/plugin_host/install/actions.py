"""Installing, removing and restoring: all of it or nothing, and a plugin that does not load is not left behind."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, PluginError
from opsvi_cli.foundation.paths import private_dir
from opsvi_cli.plugin_host.installers import Step, canonical, last_words, run
from opsvi_cli.plugin_host.isolation import environment

from .asked import Asked, Options
from .commands import isolated_options, settle_receipt
from .plans import Item, Plan, isolated_requirement, planned
from .probe import Look, look
from .record import Recorded, read_record, write_record
from .removal import Removal
from .undo import FOLDER, Before
from .where_opsvi_lives import Python

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


@dataclass(frozen=True, slots=True)
class Installed:
    """What was done with one distribution; `warning` is what its plugins are odd about."""

    name: str
    version: str
    former: str
    isolated: bool
    parts: tuple[str, ...]
    warning: str = ""


def perform(app: AppContext, plan: Plan) -> list[Installed]:
    """Install what is planned, try it, and write it down.

    Isolated plugins come first, each by itself; all others are one transaction. Raises PluginError when a plugin does
    not load or would break another, OpsviError when an installer fails: the environment is then as before.
    """
    done: list[Installed] = []
    for item in plan.isolated:
        done.append(_install_isolated(app, plan, item))
    kept = [item for item in plan.items if item.action == "keep"]
    if plan.shared:
        with _undoing(app, plan.home.python):
            before = look(app, plan.home.python.executable)
            _run_all(app, plan.steps)
            after = look(app, plan.home.python.executable)
            found = _verified(plan, before, after)
            settle_receipt(plan.home, plan.options)
            _remember(app, [_record(app, item, version, after) for item, version in found])
        done += [_installed(item, version, after) for item, version in found]
    adopted = [item for item in kept if item.facts.plugins and not item.isolated]
    _remember(app, [_adopted(app, item) for item in adopted], replace=False)
    return done


def perform_each(
    app: AppContext, plan: Plan, asked: Sequence[tuple[Asked, bool]], options: Options
) -> tuple[list[Installed], list[OpsviError]]:
    """Like `perform`, but what cannot be had does not keep the others out. Gives what was done and what failed."""
    try:
        return perform(app, plan), []
    except OpsviError as error:
        if len(asked) == 1:
            return [], [error]
    done: list[Installed] = []
    failed: list[OpsviError] = []
    for each in asked:
        try:
            with planned(app, [each], options, keep=True) as one:
                done += perform(app, one)
        except OpsviError as error:
            failed.append(error)
    return done, failed


def _install_isolated(app: AppContext, plan: Plan, item: Item) -> Installed:
    requirement = isolated_requirement(item)
    plugin = environment.install(app, requirement, item.name, pip_options=isolated_options(plan.options))
    parts = tuple(f"{part.kind}:{part.name}" for part in plugin.parts)
    names = tuple(sorted(plugin.modules))
    _remember(app, [Recorded(item.name, item.pinned(plugin.version), plugin.version, True, names, app.now())])
    return Installed(item.name, plugin.version, item.former, True, parts)


def remove(app: AppContext, removal: Removal) -> None:
    """Take out what is planned and forget it. Raises OpsviError, with the environment as before, when that fails."""
    if removal.shared:
        with _undoing(app, removal.home.python):
            _run_all(app, removal.steps)
            after = look(app, removal.home.python.executable)
            left = [name for name in removal.shared if name in after.distributions]
            if left:
                raise OpsviError(
                    f"{', '.join(left)} is still there: something else brings it", hint="remove that one first"
                )
            _forget(app, removal.shared)
    for name in removal.isolated:
        environment.uninstall(app, name)
        _forget(app, [name])
    _forget(app, removal.forgotten)


# Running and undoing


def _run_all(app: AppContext, steps: Sequence[Step]) -> None:
    for step in steps:
        done = run(app, step)
        if done.returncode != 0:
            name = Path(step.argv[0]).name
            raise OpsviError(
                f"{'pip' if name.startswith('python') else name}: {last_words(done)}",
                hint="nothing was changed; repeat it with -v to see all that the installer says",
            )


@contextlib.contextmanager
def _undoing(app: AppContext, python: Python) -> Iterator[None]:
    """What is done inside is undone when it fails, or is interrupted."""
    home = private_dir(app.paths.data)
    for left in home.glob(f"{FOLDER}*"):  # of a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    keep = Path(tempfile.mkdtemp(prefix=FOLDER, dir=home))
    try:
        before = Before(python, keep)
        try:
            yield
        except BaseException:
            with _uninterrupted():
                before.put_back()
            raise
    finally:
        shutil.rmtree(keep, ignore_errors=True)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl-C must not leave half of the environment undone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


# Verifying


def _verified(plan: Plan, before: Look, after: Look) -> list[tuple[Item, str]]:
    """(item with its real name, version) of each. Raises PluginError for the first that is not as it should be."""
    if after.distributions.get("opsvi") != before.distributions.get("opsvi"):
        raise PluginError(
            f"it would have replaced opsvi by {after.distributions.get('opsvi', 'nothing')}: undone",
            hint="ask its author for one that fits this opsvi",
        )
    found: list[tuple[Item, str]] = []
    for item in plan.shared:
        name = item.name or _new_plugin(before, after)
        version = after.distributions.get(name, "")
        seen = after.of(name)
        label = item.facts.name or item.facts.asked.text
        if not seen:
            raise PluginError(f"{label} brings no plugin of opsvi: undone", hint="check the name")
        for plugin in seen:
            if plugin.status == "broken":
                raise PluginError(
                    f"plugin {plugin.name!r} does not load: {plugin.error}: undone", hint="ask its author"
                )
        if item.facts.version and item.facts.version != version:
            raise PluginError(
                f"{label} {version} was installed, but {item.facts.version} was looked into: undone",
                hint=f"ask for one: opsvi plugins install {name}=={version}",
            )
        known = replace(item.facts, name=item.facts.name or name)
        found.append((replace(item, facts=known), version))
    worked = {plugin.name for plugin in before.plugins if plugin.status != "broken"}
    for plugin in after.plugins:
        if plugin.status == "broken" and plugin.name in worked:
            raise PluginError(
                f"it breaks plugin {plugin.name!r} of {plugin.distribution}: {plugin.error}: undone",
                hint="install it with --isolated",
            )
    return found


def _new_plugin(before: Look, after: Look) -> str:
    """The distribution that brings a plugin and did not; empty when that is not one."""
    new = {each.distribution for each in after.plugins} - {each.distribution for each in before.plugins}
    return new.pop() if len(new) == 1 else ""


def _installed(item: Item, version: str, after: Look) -> Installed:
    seen = after.of(item.name)
    warning = "; ".join(f"{plugin.name}: {plugin.error}" for plugin in seen if plugin.error)
    parts = tuple(part for plugin in seen for part in plugin.parts)
    return Installed(item.name, version, item.former, False, parts, warning)


# The record


def _record(app: AppContext, item: Item, version: str, after: Look) -> Recorded:
    names = tuple(sorted(plugin.name for plugin in after.of(item.name)))
    return Recorded(item.name, item.pinned(version), version, False, names, app.now())


def _adopted(app: AppContext, item: Item) -> Recorded:
    """A plugin that somebody installed by hand and now asks for."""
    return Recorded(
        item.name, item.pinned(item.former), item.former, False, tuple(sorted(item.facts.plugins)), app.now()
    )


def _remember(app: AppContext, plugins: Sequence[Recorded], *, replace: bool = True) -> None:
    if not plugins:
        return
    known = {each.name: each for each in read_record(app.paths)}
    for plugin in plugins:
        if replace or plugin.name not in known:
            known[plugin.name] = plugin
    write_record(app.paths, list(known.values()))


def _forget(app: AppContext, names: Sequence[str]) -> None:
    known = read_record(app.paths)
    kept = [each for each in known if each.name not in {canonical(name) for name in names}]
    if len(kept) < len(known):
        write_record(app.paths, kept)
