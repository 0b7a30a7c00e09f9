"""Opening the settings file in the user's editor."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, UsageError

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
    editor = app.env.get("VISUAL") or app.env.get("EDITOR") or "vi"
    if not path.exists():
        write_atomic(path, _FRESH)
    try:
        done = subprocess.run([*shlex.split(editor), str(path)], check=False)
    except (OSError, ValueError) as error:
        raise OpsviError(f"the editor {editor!r} cannot be run: {error}", hint="set EDITOR to another") from error
    if done.returncode:
        raise OpsviError(f"{editor} ended with exit code {done.returncode}", hint="opsvi config validate")
    path.chmod(0o600)
    from .settings import load_settings

    load_settings(app.paths, app.env, cwd=app.cwd, file=app.options.config, profile=app.options.profile)
