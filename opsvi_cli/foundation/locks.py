"""One process at a time: file locks that the kernel frees when their holder ends, however it ends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from opsvi_cli.errors import StoreError

from .paths import private_dir


@contextlib.contextmanager
def hold(path: Path, what: str, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock file `path` inside the `with`; `what` is named in the error, `wait` is in seconds.

    Raises StoreError that names the process that holds it. The file stays: removing it would let two hold it.
    """
    from filelock import FileLock, Timeout

    private_dir(path.parent)
    lock = FileLock(path, timeout=wait, mode=0o600, is_singleton=False)
    try:
        lock.acquire()
    except Timeout:
        raise _taken(path, what) from None
    holder = _holder_file(path)
    try:
        _write_holder(holder)
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink()
        lock.release()


def _holder_file(path: Path) -> Path:
    # Beside the lock file, which the library empties whenever somebody tries to take it.
    return path.with_name(path.name + ".pid")


def _write_holder(holder: Path) -> None:
    with contextlib.suppress(OSError):  # only for the message of others
        descriptor = os.open(holder, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(str(os.getpid()))


def _taken(path: Path, what: str) -> StoreError:
    try:
        pid = int(_holder_file(path).read_text())
    except (OSError, ValueError):
        return StoreError(f"{what} is in use by another process", hint="try again when that one is done")
    return StoreError(
        f"{what} is in use by another process (pid {pid})", hint=f"wait until it is done, or end it: kill {pid}"
    )
