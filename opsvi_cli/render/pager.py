"""Long text through the user's pager, on a terminal only."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator

from opsvi_cli.context import AppContext
from opsvi_cli.foundation.terminal import plain

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
        with _ctrl_c_is_the_pagers(), contextlib.suppress(BrokenPipeError):  # the reader has seen enough
            process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE, text=True, errors="replace")
            process.communicate(plain(text))
    except (OSError, ValueError) as error:
        message(app, f"the pager {command!r} does not start: {error}")
        write(app, text)


@contextlib.contextmanager
def _ctrl_c_is_the_pagers() -> Iterator[None]:
    """It stops a search in less; leaving less alone on the terminal would break the shell's prompt."""
    try:  # a function, not SIG_IGN: a program that is started would ignore it as well
        before = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
