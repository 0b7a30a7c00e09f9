"""Several calls at a time, in threads, with results as they get ready."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

T = TypeVar("T")
R = TypeVar("R")


def in_threads(app: AppContext, work: Callable[[T], R], items: Sequence[T], jobs: int) -> Iterator[R]:
    """What `work` makes of each item, as they get ready, `jobs` at a time.

    Raises what `work` raises, once the calls under way have ended; no further item is begun then. The threads are
    daemons: after Ctrl-C nobody waits for a server.
    """
    # Built here once: what is lazy must not be built by two threads at the same time.
    app.plugins.registry, app.foundation.resilience, app.foundation.usage, app.foundation.events  # noqa: B018
    open_items: queue.SimpleQueue[T] = queue.SimpleQueue()
    came: queue.SimpleQueue[_Ready[R] | BaseException | None] = queue.SimpleQueue()
    for item in items:
        open_items.put(item)
    stop = threading.Event()
    workers = max(1, min(jobs, len(items)))
    for number in range(workers):
        arguments = (work, open_items, came, stop)
        threading.Thread(target=_work, args=arguments, name=f"call-{number}", daemon=True).start()
    fatal: BaseException | None = None
    try:
        while workers:
            result = came.get()
            if result is None:
                workers -= 1
            elif isinstance(result, BaseException):
                stop.set()
                fatal = fatal or result
            else:
                yield result[0]
    finally:
        stop.set()
    if fatal is not None:
        raise fatal


_Ready = tuple[R]
"""A result in a cover of its own: it may itself be None, or an error."""


def _work(
    work: Callable[[T], R],
    open_items: queue.SimpleQueue[T],
    came: queue.SimpleQueue[_Ready[R] | BaseException | None],
    stop: threading.Event,
) -> None:
    """One thread: item after item, until there is none or the run stops; None at its end."""
    try:
        while not stop.is_set():
            with contextlib.suppress(queue.Empty):
                came.put((work(open_items.get_nowait()),))
                continue
            return
    except BaseException as error:  # noqa: BLE001  # raised again by the thread that waits for it
        came.put(error)
    finally:
        came.put(None)
