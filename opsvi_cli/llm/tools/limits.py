"""Work with an end: a tool that hangs ends neither the run nor Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from opsvi_cli.context import part_of_run
from opsvi_cli.errors import DeadlineError, OpsviError

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

T = TypeVar("T")
_STEP = 0.05
_GIVE_UP_SECONDS = 1.0
"""How long work may take to notice that it is given up."""
_MARGIN = 10_000


class TookTooLong(OpsviError):
    """A call was given up at its limit."""


def within(app: AppContext, seconds: float, work: Callable[[], T], what: str) -> T:
    """The result of `work`, which runs in a thread beside. Raises what it raises.

    Raises TookTooLong after `seconds`, DeadlineError at the end of the run's time. All that waits by `app.remaining` in
    that thread (requests over the network, MCP servers, isolated plugins) is then given up too. Python cannot end a
    thread that computes: such work is left alone, and ends with the process at the latest.
    """
    came: list[T] = []
    raised: list[BaseException] = []
    end = time.monotonic() + seconds
    given_up, done = threading.Event(), threading.Event()

    def left() -> float:
        if given_up.is_set() or time.monotonic() >= end:
            raise TookTooLong(f"it took longer than {seconds:g} s (tools.timeout)")
        return end - time.monotonic()

    def run() -> None:
        part_of_run.set(left)
        try:
            came.append(work())
        except BaseException as error:  # noqa: BLE001  # SystemExit too would end the thread in silence
            raised.append(error)
        finally:
            done.set()

    threading.Thread(target=run, daemon=True, name=what).start()
    try:
        # Not `join`: a thread whose join Ctrl-C interrupts counts as ended.
        while not done.wait(min(_STEP, left())):
            app.remaining()
    except BaseException as error:
        given_up.set()
        done.wait(_GIVE_UP_SECONDS)
        if isinstance(error, DeadlineError):
            raise DeadlineError(f"the time allowed ran out in {what}", hint="allow more with --timeout") from error
        raise
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
