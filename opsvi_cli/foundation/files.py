"""Reading files that the user names, with an end to their size; writing files that nobody ever sees half of."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from opsvi_cli.errors import UsageError

from .paths import private_dir


def write_atomic(path: Path, content: str | bytes, *, mode: int = 0o600) -> None:
    """Write a whole file: temporary file beside it, fsync, rename. Its directory is made, mode 0700.

    What is there and no file, such as /dev/stdout, is written to and stays what it is.
    """
    private_dir(path.parent)
    data = content.encode("utf-8") if isinstance(content, str) else content
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            device.write(data)
        return
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def read_bytes(path: Path, what: str, *, limit: int = 1_000_000, hint: str = "check the path") -> bytes:
    """All of a file or pipe that the user named; messages call it `what`. Raises UsageError.

    What is read counts, not the size a file says that it has: pipes and devices have none, and some never end.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{what}: {reason}", hint=hint) from error
    if len(data) > limit:
        raise UsageError(f"{what}: larger than {limit} bytes", hint="give a part of it")
    return data


def read_text(path: Path, what: str, *, limit: int = 1_000_000, hint: str = "check the path") -> str:
    """The same as text with `\n` at its line ends. Raises UsageError, also for what is not UTF-8."""
    data = read_bytes(path, what, limit=limit, hint=hint)
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{what}: not UTF-8 text", hint="save it as UTF-8") from error
