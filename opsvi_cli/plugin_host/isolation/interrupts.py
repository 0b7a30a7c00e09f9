"""Cancelling what runs: in the main thread as Ctrl-C would, whatever system call it is in.

A plugin sees KeyboardInterrupt, which its libraries know how to handle: connections are closed, `finally` runs. What
runs in another thread cannot be interrupted; it ends with its next item.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interrupts:
    """Owns SIGINT of this process. To be made in the main thread."""

    def __init__(self) -> None:
        self._running: int | None = None
        self._cancelled: int | None = None
        self._ending = False
        self._shielded = False
        signal.signal(signal.SIGINT, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        if not self._shielded:
            self._check()

    def _check(self) -> None:
        if self._running is not None and (self._ending or self._running == self._cancelled):
            self._running = None  # once is enough: what follows is cleaning up
            raise KeyboardInterrupt

    def cancel(self, request: int) -> None:
        """Interrupt `request` if it is running, or as soon as it does. From any thread."""
        self._cancelled = request
        self._wake()

    def end(self) -> None:
        """Interrupt whatever is running, and all that would run after it."""
        self._ending = True
        self._wake()

    def _wake(self) -> None:
        if hasattr(signal, "pthread_kill"):
            main = threading.main_thread().ident
            if main is not None:
                signal.pthread_kill(main, signal.SIGINT)
        else:
            signal.raise_signal(signal.SIGINT)

    @contextlib.contextmanager
    def running(self, request: int) -> Iterator[None]:
        """Around what is done for a request. Raises KeyboardInterrupt when it is cancelled."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        outer = self._running
        try:
            self._running = request
            self._check()
            yield
        finally:
            self._running = outer

    @contextlib.contextmanager
    def shielded(self) -> Iterator[None]:
        """Around what must not be left half done; an interrupt waits until its end."""
        if threading.current_thread() is not threading.main_thread() or self._shielded:
            yield
            return
        self._shielded = True
        try:
            yield
        finally:
            self._shielded = False
        self._check()
