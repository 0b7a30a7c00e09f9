"""Opening the settings file in the user's editor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import UsageError

from .editor import run_editor
from .files import write_atomic

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_FRESH = "# Settings of opsvi. `opsvi config list` shows every name, `opsvi config validate` checks this file.\n"


def edit_file(app: AppContext, path: Path) -> None:
    """Run the editor on `path`, keep the file private, and raise UsageError for the first thing wrong in it.

    Raises UsageError when no person is there, OpsviError when the editor fails.
    """
    if not app.may_ask:
        raise UsageError("an editor needs a terminal", hint=f"change {path} with `opsvi config set KEY VALUE`")
    if not path.exists():
        write_atomic(path, _FRESH)
    run_editor(app, path)
    path.chmod(0o600)
    from .settings import load_settings

    load_settings(app.paths, app.env, cwd=app.cwd, file=app.options.config, profile=app.options.profile)
