"""One writer a collection: a lock of the operating system, which ends with its process, and a note of who holds it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from opsvi_cli.sdk import StoreError


class WriterLock:
    """Held from `take` to `release`. The lock file lies beside the collection's folder, so that it can be renamed."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self._path = folder / f".{name}.lock"
        self._note = folder / f".{name}.writer"
        self._lock: object | None = None

    def take(self, wait_seconds: float) -> None:
        """Raises StoreError that names the process which has it."""
        from filelock import FileLock, Timeout

        lock = FileLock(str(self._path), mode=0o600)
        try:
            lock.acquire(timeout=wait_seconds, poll_interval=0.05)
        except Timeout:
            holder = "another process"
            with contextlib.suppress(OSError, ValueError):
                holder = f"process {int(self._note.read_text())}"
            raise StoreError(
                f"collection {self._name!r} is being written by {holder}", hint="try again when it is done"
            ) from None
        except OSError as error:
            raise StoreError(
                f"collection {self._name!r} cannot be locked: {error.strerror or error}",
                hint=f"check the rights and the free space of {self._path.parent}",
            ) from error
        self._lock = lock
        with contextlib.suppress(OSError):
            descriptor = os.open(self._note, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(str(os.getpid()))

    def release(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            with contextlib.suppress(OSError):
                self._note.unlink()
            lock.release()  # type: ignore[attr-defined]
