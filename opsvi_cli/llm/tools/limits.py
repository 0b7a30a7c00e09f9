"""Work with an end: a tool that hangs ends neither the run nor Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from opsvi_cli.errors import DeadlineError, OpsviError

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

T = TypeVar("T")
_STEP = 0.05
_MARGIN = 10_000


class TookTooLong(OpsviError):
    """A call was left alone at its limit."""


def within(app: AppContext, seconds: float, work: Callable[[], T], what: str) -> T:
    """The result of `work`, which runs in a thread beside. Raises what it raises.

    Raises TookTooLong after `seconds`, DeadlineError at the end of the run's time; then the thread is left alone, and
    ends with the process at the latest.
    """
    came: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            came.append(work())
        except BaseException as error:  # noqa: BLE001  # SystemExit too would end the thread in silence
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True, name=what)
    thread.start()
    end = time.monotonic() + seconds
    while thread.is_alive():
        left = end - time.monotonic()
        if left <= 0:
            raise TookTooLong(f"it took longer than {seconds:g} s")
        thread.join(min(_STEP, left))
        try:
            app.remaining()
        except DeadlineError as error:
            raise DeadlineError(f"the time allowed ran out in {what}", hint="allow more with --timeout") from error
    if raised:
        raise raised[0]
    return came[0]


def cut(text: str, most: int, redact: Callable[[str], str]) -> str:
    """At most so many characters, with a note; without secrets, lone surrogates replaced."""
    length = len(text)
    # Redacted before the cut, which could leave half a secret; but not the whole of a gigabyte.
    text = redact(text[: most + _MARGIN]).encode("utf-8", "replace").decode("utf-8")
    return (
        text
        if length <= most and len(text) <= most
        else text[:most] + f"\n[cut: {length} characters, tools.max_output]"
    )
