"""From a folder to the files in it: sorted, without links, loops, hidden and ignored files. Nothing is read here.

Names that are not UTF-8 get a spelling that can be stored and printed: `caf\\xe9.txt` for the byte E9.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from .ignore import Globs, IgnoreFiles
from .plain_files import not_regular

EMPTY = "empty"
ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".jar", ".whl")


@dataclass(frozen=True, slots=True)
class Located:
    """A source that can be read when its turn comes. `explicit`: the user named it, no rule left it out."""

    uri: str
    kind: Literal["file", "url", "stdin"]
    path: str = ""
    explicit: bool = False


@dataclass(frozen=True, slots=True)
class SkippedSource:
    """A source that is not read, and why; `failed` when the user has to know that something is wrong."""

    uri: str
    reason: str
    status: Literal["skipped", "failed"] = "skipped"
    gone: bool = False
    """It is there no more."""

    @property
    def empty(self) -> bool:
        return self.reason == EMPTY


@dataclass(slots=True)
class Scope:
    """One argument of the run: what `--sync` may remove documents under, and what its walk saw."""

    uri: str
    folder: bool = False
    problem: str = ""
    """Why nothing may be removed here; empty when the walk was complete."""
    gone: bool = False
    """The argument itself is not there any more."""
    ignored: set[str] = field(default_factory=set)
    """Files and folders that an ignore file leaves out."""

    def holds(self, uri: str) -> bool:
        return uri == self.uri or (self.folder and uri.startswith(self.uri.rstrip("/") + "/"))


def storable(path: str) -> str:
    """A path as text that is valid UTF-8; equal to `path` unless its bytes are not."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def on_disk(uri: str) -> str:
    """The path that `storable` spelled as `uri`."""
    if "\\x" not in uri or os.path.lexists(uri):
        return uri
    raw = re.sub(rb"\\x([89a-f][0-9a-f])", lambda match: bytes.fromhex(match[1].decode()), os.fsencode(uri))
    return os.fsdecode(raw)


def why(error: OSError) -> str:
    """The system's words for an error, as the end of a sentence."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


@dataclass(frozen=True, slots=True)
class _Pending:
    path: str
    ignore: IgnoreFiles
    found: SkippedSource | Located | None
    """None: a folder that is still to be listed."""


def walk(root: str, globs: Globs, scope: Scope, *, hidden: bool) -> Iterator[Located | SkippedSource]:
    """Files under `root`, folder by folder, by name. What could not be listed is yielded as failed."""
    visited: set[tuple[int, int]] = set()
    stack = [_Pending(root, IgnoreFiles.at(root), None)]
    while stack:
        pending = stack.pop()
        if pending.found is not None:
            yield pending.found
            continue
        try:
            status = os.stat(pending.path)
            if (status.st_dev, status.st_ino) in visited:  # a bind mount of a folder above
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(pending.path) as listing:
                entries = sorted(listing, key=lambda entry: os.fsencode(entry.name), reverse=True)
        except OSError as error:
            scope.problem = f"{storable(pending.path)}: {why(error)}"
            yield SkippedSource(storable(pending.path), f"the folder cannot be listed: {why(error)}", "failed")
            continue
        for entry in entries:
            if hidden or not entry.name.startswith("."):
                stack.extend(_look_at(entry, root, pending.ignore, globs, scope))


def _look_at(entry: os.DirEntry[str], root: str, ignore: IgnoreFiles, globs: Globs, scope: Scope) -> Iterator[_Pending]:
    uri = storable(entry.path)
    is_folder = entry.is_dir(follow_symlinks=False)
    if is_folder and entry.name == ".git":
        return
    if not globs.takes(os.path.relpath(entry.path, root), is_folder=is_folder):
        return
    if ignore.ignored(entry.path, is_folder=is_folder):
        scope.ignored.add(uri)
    elif is_folder:
        yield _Pending(entry.path, ignore.below(entry.path), None)
    elif entry.is_symlink():
        yield _Pending(entry.path, ignore, SkippedSource(uri, "a symbolic link; links in folders are not followed"))
    elif not entry.is_file(follow_symlinks=False):
        try:
            reason = not_regular(entry.stat(follow_symlinks=False).st_mode)
        except OSError as error:
            reason = why(error)
        yield _Pending(entry.path, ignore, SkippedSource(uri, reason))
    else:
        yield _Pending(entry.path, ignore, Located(uri, "file", entry.path))
