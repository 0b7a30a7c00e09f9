"""The user's editor: VISUAL, EDITOR, or vi."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


def run_editor(app: AppContext, path: Path) -> None:
    """Open `path` and wait until the editor ends. Raises OpsviError when it fails."""
    editor = app.env.get("VISUAL") or app.env.get("EDITOR") or "vi"
    try:
        done = subprocess.run([*shlex.split(editor), str(path)], check=False)
    except (OSError, ValueError) as error:
        raise OpsviError(f"the editor {editor!r} cannot be run: {error}", hint="set EDITOR to another") from error
    if done.returncode:
        raise OpsviError(f"{editor} ended with exit code {done.returncode}", hint="set EDITOR to another")


def edited(app: AppContext, text: str, *, suffix: str = ".md") -> str:
    """What the user makes of `text` in the editor. Raises OpsviError when it fails."""
    descriptor, name = tempfile.mkstemp(suffix=suffix)  # for the user's eyes only
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
        run_editor(app, path)
        return path.read_text(encoding="utf-8", errors="replace")
    finally:
        path.unlink(missing_ok=True)
