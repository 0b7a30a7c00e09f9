"""Tool `read_file`: text files below one folder, and nothing that leads out of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated

from opsvi_cli.sdk import Services, UsageError, tool

_MOST_BYTES = 10_000_000
_MOST_CHARACTERS = 200_000
_MOST_NAMES = 1000
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # neither is known on Windows


@tool(side_effects=False)
def read_file(
    services: Services,
    path: Annotated[str, "path below the folder, e.g. docs/notes.md"],
    from_line: Annotated[int, "first line to read; for the rest of a file that was cut"] = 1,
) -> str:
    """Reads a text file below the working folder, or lists a folder there."""
    root = Path(str(services.options.get("root") or os.curdir)).expanduser().resolve()
    # One answer for all: what may not be read is not even told to exist.
    nothing = UsageError(f"there is no {path[:200]!r} below the folder that may be read")
    place = _inside(root, path)
    if place is None:
        raise nothing
    try:
        return _names(place) if place.is_dir() else _text(place, path, from_line)
    except OSError as error:
        raise nothing from error


def _names(folder: Path) -> str:
    entries = (entry for entry in folder.iterdir() if not _hidden(entry.name) and not entry.is_symlink())
    return "\n".join(sorted(entry.name + ("/" if entry.is_dir() else "") for entry in entries)[:_MOST_NAMES])


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


def _text(place: Path, path: str, from_line: int) -> str:
    # Opened first and looked at afterwards, so that nothing can be put in its place; a pipe must not block.
    descriptor = os.open(place, os.O_RDONLY | _SAFELY)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{path[:200]!r} is no regular file")
        data = file.read(_MOST_BYTES)
    if b"\0" in data:
        raise UsageError(f"{path[:200]!r} is no text file")
    text = data.decode("utf-8", "replace")
    if from_line > 1:
        lines = text.splitlines(keepends=True)
        if from_line > len(lines):
            raise UsageError(f"{path[:200]!r} has {len(lines)} lines")
        text = "".join(lines[from_line - 1 :])
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "\n[cut here: the file is longer]"
