"""Running code of a plugin so that whatever it raises, prints or calls off stays its own problem."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

from opsvi_cli.errors import Terminated

_lock = threading.RLock()


def passes_through(error: BaseException) -> bool:
    """True for what must end the run: Ctrl-C, and opsvi's own unwinding on SIGTERM. A plugin's SystemExit is not."""
    return isinstance(error, (KeyboardInterrupt, Terminated))


def describe(error: BaseException) -> str:
    """One line for people: the exception's name and the first line of its text."""
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r})"
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001  # an exception whose own text fails
        lines = []
    name = type(error).__name__
    return f"{name}: {lines[0]}" if lines else name


@contextlib.contextmanager
def quiet_stdout() -> Iterator[None]:
    """What the code prints to stdout goes to stderr: stdout is for data. One thread at a time."""
    with _lock, contextlib.redirect_stdout(sys.stderr):
        yield
