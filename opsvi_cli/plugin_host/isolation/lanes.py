"""A lane is a thread here and its counterpart over there: what one waits for, the other does.

So a plugin sees the same threads as it would inside of opsvi (a database connection stays in the thread that opened
it), and while a thread waits for an answer it serves what the other side asks meanwhile.
"""

from __future__ import annotations

import itertools
import queue
import threading
import weakref
from collections.abc import Callable
from typing import Any

Message = dict[str, Any]
MAIN = "main"
"""The lane of both main threads."""


class Lane:
    """Messages for one thread. None says that the other side is gone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self.put = self._messages.put

    def take(self, seconds: float | None = None) -> Message | None:
        """The next message. Raises queue.Empty after `seconds`."""
        return self._messages.get(timeout=seconds)


class _Mine(threading.local):
    """The lane of the running thread."""

    holder: _Holder | None = None


class _Holder:
    """Goes with its thread, and says so."""

    def __init__(self, lane: Lane, gone: Callable[[str], None]) -> None:
        self.lane = lane
        self._gone = gone

    def __del__(self) -> None:
        self._gone(self.lane.name)


class Lanes:
    """The lanes of one pipe, by name. `prefix` keeps the names of the two sides apart.

    `serve` is run in a new thread for a lane that the other side opens; `gone` is told when a thread that had opened
    one here has ended.
    """

    def __init__(self, prefix: str, serve: Callable[[Lane], None], gone: Callable[[str], None]) -> None:
        self._names = (f"{prefix}{number}" for number in itertools.count(1))
        self._serve = serve
        self._gone = gone
        self._mine = _Mine()
        self._known: weakref.WeakValueDictionary[str, Lane] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()
        self._closed = False

    def mine(self) -> Lane:
        """The lane of this thread, opened when it has none."""
        holder = self._mine.holder
        if holder is None:
            main = threading.current_thread() is threading.main_thread()
            holder = _Holder(self.get(MAIN if main else next(self._names)), self._gone)
            self._mine.holder = holder
        return holder.lane

    def get(self, name: str) -> Lane:
        """The lane called `name`, made when it is new."""
        with self._lock:
            lane = self._known.get(name)
            if lane is None:
                lane = self._known[name] = Lane(name)
                if self._closed:
                    lane.put(None)
            return lane

    def deliver(self, name: str, message: Message, *, opens: bool = False) -> bool:
        """Hand a message to its lane. One that is not there is served by a new thread if the message `opens` it.

        False when there is no such lane.
        """
        with self._lock:
            lane = self._known.get(name)
            if lane is None:
                if not opens:
                    return False
                lane = self._known[name] = Lane(name)
                threading.Thread(target=self._work, args=(lane,), daemon=True, name=f"opsvi-lane-{name}").start()
        lane.put(message)
        return True

    def _work(self, lane: Lane) -> None:
        self._mine.holder = _Holder(lane, lambda _name: None)
        self._serve(lane)

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Tell every lane, now and later, that the other side is gone."""
        with self._lock:
            self._closed = True
            lanes = list(self._known.values())
        for lane in lanes:
            lane.put(None)
