"""Opening what must be a regular file, also when somebody changes the folder meanwhile."""

from __future__ import annotations

import os
import stat
from io import FileIO

_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # a FIFO that took the file's place must not block the open
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class NotRegularError(OSError):
    """It is a FIFO, device, socket or folder; the message says which."""


def not_regular(mode: int) -> str:
    """What a file of this mode is, when it is no plain file."""
    return f"{_KINDS.get(stat.S_IFMT(mode), 'a special file')}, not a regular file"


def open_regular(path: str, *, follow: bool) -> FileIO:
    """Open for reading, unbuffered. Raises NotRegularError, and OSError for a link unless `follow`."""
    descriptor = os.open(path, os.O_RDONLY | _NONBLOCK | _CLOEXEC | _BINARY | (0 if follow else _NOFOLLOW))
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotRegularError(not_regular(mode))
    return FileIO(descriptor, "rb")
