"""Tool `read_file`: text files below one folder, and nothing that leads out of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated

from opsvi_cli.sdk import Services, UsageError, tool

_MOST_BYTES = 200_000
_MOST_NAMES = 1000
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # neither is known on Windows


@tool(side_effects=False)
def read_file(services: Services, path: Annotated[str, "path below the folder, e.g. docs/notes.md"]) -> str:
    """Reads a text file below the working folder, or lists a folder there."""
    root = Path(str(services.options.get("root") or os.curdir)).expanduser().resolve()
    place = _inside(root, path)
    # One answer for all: what may not be read is not even told to exist.
    if place is None:
        raise UsageError(f"there is no {path[:200]!r} below the folder that may be read")
    if place.is_dir():
        names = (entry.name + ("/" if entry.is_dir() else "") for entry in place.iterdir() if not _hidden(entry.name))
        return "\n".join(sorted(names)[:_MOST_NAMES])
    return _text(place, path)


def _inside(root: Path, path: str) -> Path | None:
    """Where a path leads without links and `..`; None for what is not there, and for hidden files: they hold keys."""
    parts = Path(path).parts
    if Path(path).is_absolute() or any(part == ".." or _hidden(part) for part in parts):
        return None
    place = root.joinpath(*parts)
    try:
        return place if place.resolve(strict=True) == place else None
    except (OSError, ValueError, RuntimeError):
        return None


def _hidden(name: str) -> bool:
    return name.startswith(".") and name != "."


def _text(place: Path, path: str) -> str:
    # Opened first and looked at afterwards, so that nothing can be put in its place; a pipe must not block.
    descriptor = os.open(place, os.O_RDONLY | _SAFELY)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{path[:200]!r} is no regular file")
        data = file.read(_MOST_BYTES + 1)
    if b"\0" in data:
        raise UsageError(f"{path[:200]!r} is no text file")
    text = data[:_MOST_BYTES].decode("utf-8", "replace")
    return text + "\n[cut here: the file is longer]" if len(data) > _MOST_BYTES else text
