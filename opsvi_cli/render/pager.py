"""Long text through the user's pager, on a terminal only."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import subprocess

from opsvi_cli.context import AppContext

from .output import message, write


def page(app: AppContext, text: str) -> None:
    """Show text: OPSVI_PAGER, the setting `pager`, PAGER or `less -FIRX` when it is longer than the terminal."""
    rows = shutil.get_terminal_size().lines
    command = app.env.get("OPSVI_PAGER") or app.settings.pager or app.env.get("PAGER") or "less -FIRX"
    if not app.is_terminal(app.out) or text.count("\n") < rows or command == "cat":
        write(app, text)
        return
    app.out.flush()
    try:
        process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, text=True)
        with contextlib.suppress(BrokenPipeError):  # the reader has seen enough
            process.communicate(text)
        process.wait()
    except (OSError, ValueError) as error:
        message(app, f"the pager {command!r} does not start: {error}")
        write(app, text)
