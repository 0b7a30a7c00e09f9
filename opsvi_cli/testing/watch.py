"""What code does to the outside while it runs: files, connections, other programs. By audit events (PEP 578)."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

_ACTS = {
    "socket.connect": "connected to a host",
    "socket.bind": "opened a port",
    "socket.getaddrinfo": "asked for the address of a host",
    "subprocess.Popen": "started a program",
    "os.system": "started a program",
    "os.posix_spawn": "started a program",
    "os.exec": "started a program",
    "os.fork": "made a copy of the process",
    "os.forkpty": "made a copy of the process",
    "os.remove": "removed a file",
    "os.rename": "renamed a file",
    "os.mkdir": "made a folder",
    "os.rmdir": "removed a folder",
    "os.truncate": "wrote a file",
    "os.link": "made a link",
    "os.symlink": "made a link",
}
_SYSTEM = (
    "/usr/share/",
    "/usr/lib/",
    "/etc/localtime",
    "/etc/mime.types",
    "/dev/null",
    "/dev/urandom",
    "/proc/",
    "/sys/",
)
_LISTS = ("os.listdir", "os.scandir")
_local = threading.local()
_lock = threading.Lock()
_listening = False


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """Collects, as sentences, what this thread does to the outside inside the block.

    Reading the files of installed packages is nothing: code and its data have to be loaded.
    """
    global _listening
    with _lock:
        if not _listening:  # a hook cannot be taken back, so there is one, which looks whether anybody watches
            sys.addaudithook(_hear)
            _listening = True
    seen: list[str] = []
    outer = getattr(_local, "seen", None)
    _local.seen = seen
    try:
        yield seen
    finally:
        _local.seen = outer


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    seen: list[str] | None = getattr(_local, "seen", None)
    if seen is None:
        return
    _local.seen = None  # what follows may raise events of its own
    try:
        if (what := _sentence(event, arguments)) and what not in seen:
            seen.append(what)
    finally:
        _local.seen = seen


def _sentence(event: str, arguments: tuple[Any, ...]) -> str:
    if event in _ACTS:
        return f"{_ACTS[event]} ({event})"
    if event == "open":
        path, mode, flags = arguments
        if isinstance(path, int):
            return ""
        name = os.fsdecode(path)
        if _writes(mode, flags):
            return "" if name == os.devnull else f"wrote {name}"
        return "" if _belongs_to_code(name) else f"read {name}"
    if event in _LISTS and isinstance(arguments[0], (str, bytes)):
        name = os.fsdecode(arguments[0])
        return "" if _belongs_to_code(name) else f"listed {name}"
    return ""


def _writes(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return bool(set(mode) & set("wax+"))
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _belongs_to_code(name: str) -> bool:
    path = os.path.abspath(name)
    places = [sys.prefix, sys.base_prefix, *(place for place in sys.path if place)]
    return path.startswith(_SYSTEM) or any(path == place or path.startswith(place + os.sep) for place in places)
