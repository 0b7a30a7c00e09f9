"""At most N calls under way to one host, over all processes: N lock files, of which a call holds one.

The kernel gives a lock back when its process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

from opsvi_cli.foundation.paths import private_dir

from .deadline import Remaining, pause

_STEP = 0.05


@contextlib.contextmanager
def slot(directory: Path, key: str, slots: int, remaining: Remaining) -> Iterator[None]:
    """Hold one of `slots` places of `key` inside the `with`; 0: no bound. Raises DeadlineError while waiting."""
    if slots <= 0:
        yield
        return
    from filelock import FileLock, Timeout

    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    private_dir(directory)
    order = list(range(slots))
    random.shuffle(order)
    while True:
        for number in order:
            lock = FileLock(directory / f"{name}.{number}.lock", mode=0o600, is_singleton=False)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            try:
                yield
            finally:
                lock.release()
            return
        pause(_STEP, remaining)
