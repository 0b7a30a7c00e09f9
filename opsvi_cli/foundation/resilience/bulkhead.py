"""At most N calls under way to one host, over all processes: N lock files, of which a call holds one.

The kernel gives a lock back when its process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.foundation.paths import private_dir

from .deadline import Remaining, pause

if TYPE_CHECKING:
    from filelock import BaseFileLock

_STEP = 0.05


@contextlib.contextmanager
def slot(directory: Path, key: str, slots: int, remaining: Remaining) -> Iterator[None]:
    """Hold one of `slots` places of `key` inside the `with`; 0: no bound. Raises DeadlineError while waiting.

    Where the directory cannot be written there is no bound: that is no reason not to call.
    """
    lock = _place(directory, key, slots, remaining) if slots > 0 else None
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _place(directory: Path, key: str, slots: int, remaining: Remaining) -> BaseFileLock | None:
    from filelock import FileLock, Timeout

    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    order = list(range(slots))
    random.shuffle(order)
    try:
        private_dir(directory)
        while True:
            for number in order:
                lock = FileLock(directory / f"{name}.{number}.lock", mode=0o600, is_singleton=False)
                with contextlib.suppress(Timeout):
                    lock.acquire(blocking=False)
                    return lock
            pause(_STEP, remaining)
    except OSError:
        return None
