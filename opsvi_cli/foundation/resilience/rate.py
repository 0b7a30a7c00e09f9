"""At most so many requests a minute to one host, counted over all processes in SQLite (pyrate-limiter)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from pathlib import Path

from opsvi_cli.foundation.db import database_error
from opsvi_cli.foundation.paths import private_dir

from .deadline import Remaining, pause

_STEP = 0.25


def acquire(path: Path, key: str, per_minute: int, remaining: Remaining, *, window_seconds: float = 60.0) -> None:
    """Wait for a free place in the last `window_seconds`; 0 a minute: no limit.

    Raises DeadlineError, and StoreError when calls cannot be counted: the limit was asked for.
    """
    if per_minute <= 0:
        return
    from pyrate_limiter import Rate, SQLiteBucket
    from pyrate_limiter.abstracts import RateItem

    private_dir(path.parent)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    table = "rate_" + hashlib.sha256(key.encode()).hexdigest()[:16]  # the library puts the name into SQL as it is
    rate = Rate(per_minute, int(window_seconds * 1000))
    try:
        bucket = SQLiteBucket.init_from_file([rate], table=table, db_path=str(path), use_file_lock=True)
        with contextlib.closing(bucket):
            while True:
                # Old entries go before each count, else they would grow for ever: no background thread in a command.
                now = int(time.time() * 1000)
                bucket.leak(now)
                if bucket.put(RateItem("call", now)):
                    return
                pause(_STEP, remaining)
    except sqlite3.Error as error:
        raise database_error(path, error) from error
