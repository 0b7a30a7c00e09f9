"""Plugins that a settings file names: `plugins.load`. A project's own file is heard only when the user trusts it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opsvi_cli.foundation.settings import Settings
from opsvi_cli.foundation.trust import PROJECT_FILE

from .discovery import Candidate, Named, find_candidates
from .reports import Origin

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


def candidates_of(app: AppContext) -> list[Candidate]:
    """Every plugin that this run may load."""
    return find_candidates(app.env, app.paths, named_by_settings(app.settings, app.cwd))


def named_by_settings(settings: Settings, cwd: str) -> list[Named]:
    """What `plugins.load` names; relative paths begin at the folder of the file that says so."""
    if not settings.plugins.load:
        return []
    origin = settings.origin(("plugins", "load"))
    file = origin.where.partition(" in ")[2] if origin.kind == "profile" else origin.where
    folder = cwd if origin.kind in ("env", "default") else os.path.dirname(os.path.abspath(file))
    of_project = os.path.basename(file) == PROJECT_FILE and origin.kind in ("project", "profile")
    kind: Origin = "project" if of_project else "settings"
    return [Named(_target(item, folder), kind) for item in settings.plugins.load if item.strip()]


def _target(item: str, folder: str) -> str:
    """A path made absolute; the name of a module as it is."""
    item = item.strip()
    if item.endswith(".py") or "/" in item or os.sep in item:
        return os.path.normpath(os.path.join(folder, os.path.expanduser(item)))
    return item
