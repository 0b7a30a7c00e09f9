"""Getting hold of what was asked for, to look at it: nothing of it runs."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.plugin_host.installers import Step, canonical, last_words, run

from .asked import Asked, Options, split_git
from .commands import fetch_step
from .inspection import Facts, inspect_folder, inspect_unpacked, inspect_wheel, unknown
from .where_opsvi_lives import Installation

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


def look_into(app: AppContext, asked: Asked, home: Installation, options: Options, folder: Path) -> Facts:
    """What is known of it; `folder` is an empty one. Raises UsageError for what is no plugin of opsvi."""
    if asked.source == "wheel":
        return inspect_wheel(asked, asked.path)
    if asked.source == "folder":
        return inspect_folder(asked, asked.path)
    if asked.source == "git":
        return _look_into_git(app, asked, folder)
    return _look_into_index(app, asked, home, options, folder)


def _look_into_index(app: AppContext, asked: Asked, home: Installation, options: Options, folder: Path) -> Facts:
    uv = shutil.which("uv", path=app.env.get("PATH", os.defpath)) or ""
    step = fetch_step(home, asked.requirement, options, folder, uv)
    if step is None:
        return unknown(asked, "it was not looked into: there is neither pip nor uv to fetch it with")
    done = run(app, step)
    if done.returncode != 0:
        note = (
            f"no wheel of it could be fetched ({last_words(done)}); if there are sources, building them runs their code"
        )
        return unknown(asked, note)
    wheels = sorted(folder.glob("*.whl"))
    facts = inspect_wheel(asked, wheels[0]) if wheels else inspect_unpacked(asked, folder)
    expected = unknown(asked, "").name
    if canonical(facts.name) != expected:
        raise UsageError(
            f"{asked.text}: the index gave {facts.name or 'something without a name'}", hint="do not trust it"
        )
    return facts


def _look_into_git(app: AppContext, asked: Asked, folder: Path) -> Facts:
    """A shallow checkout; the requirement names its commit from then on."""
    address, revision, subdirectory = split_git(asked.requirement)
    git = shutil.which("git", path=app.env.get("PATH", os.defpath))
    if git is None:
        raise OpsviError("there is no git on the PATH", hint="install git, or give a folder")
    env = {"GIT_TERMINAL_PROMPT": "0", "GIT_LFS_SKIP_SMUDGE": "1", "GIT_CONFIG_NOSYSTEM": "1"}
    # Neither hooks nor other transports: an address can name a program (ext::) where the user's settings allow it.
    base = (git, "-C", str(folder), "-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never")
    for words in (
        ("init", "--quiet"),
        ("fetch", "--quiet", "--depth", "1", "--", address, revision or "HEAD"),
        ("checkout", "--quiet", "--detach", "FETCH_HEAD"),
    ):
        done = run(app, Step((*base, *words), env))
        if done.returncode != 0:
            raise OpsviError(f"{asked.text}: {last_words(done)}", hint="check the address, the tag and your access")
    commit = run(app, Step((*base, "rev-parse", "HEAD"))).stdout.strip()
    where = f"#subdirectory={subdirectory}" if subdirectory else ""
    pinned = replace(asked, requirement=f"git+{address}@{commit}{where}")
    root = (folder / subdirectory).resolve()
    if not root.is_relative_to(folder.resolve()) or not root.is_dir():
        raise UsageError(f"{asked.text}: there is no folder {subdirectory} in it", hint="#subdirectory=PATH")
    return inspect_folder(pinned, root)
