"""Three-way merge of one library with a newer template: what the user changed stays, what clashes is marked."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from .git import GitError
from .record import PYPROJECT
from .render import File

Action: TypeAlias = Literal["create", "update", "merge", "delete", "conflict", "kept"]
_RECORD = re.compile(
    r"(?:^# How `opsvi library update`[^\n]*\n)?^\[tool\.opsvi\.library\]\n"
    r"(?:(?!^\[)[^\n]*\n?)*(?:^\[tool\.opsvi\.library\.answers\]\n(?:(?!^\[)[^\n]*\n?)*)?",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one file. `data` is what to write, None to delete it or to leave it; `detail` says why."""

    path: str
    action: Action
    data: bytes | None = None
    executable: bool = False
    detail: str = ""


def merge(
    root: Path, base: Mapping[str, File] | None, new: Mapping[str, File], labels: tuple[str, str]
) -> Iterator[Change]:
    """The changes that bring the library in `root` to `new`, by path; files that stay as they are have none.

    `base` is what the recorded template made; without it nothing is known of what the user changed, so each file that
    differs is a conflict. `labels`: how base and new are called in conflict markers.
    """
    for path in sorted({*(base or {}), *new}):
        place = root / path
        ours = place.read_bytes() if place.is_file() and not place.is_symlink() else None
        if ours is None and (place.is_symlink() or place.exists()):
            yield Change(path, "kept", detail="something else is there")
            continue
        before = base.get(path) if base is not None else None
        after = new.get(path)
        change = _change(path, before, ours, after, labels)
        if change is not None:
            yield change


def _change(
    path: str, before: File | None, ours: bytes | None, after: File | None, labels: tuple[str, str]
) -> Change | None:
    if after is None:
        assert before is not None
        if ours is None:
            return None
        if _same(path, ours, before.data):
            return Change(path, "delete")
        return Change(path, "kept", detail="the template no longer has it, and you changed it")
    if before is not None and before.data == after.data:
        return None
    if ours is None:
        if before is None:
            return Change(path, "create", after.data, after.executable)
        return Change(path, "kept", detail="you deleted it, and the template changed it")
    if ours == after.data:
        return None
    if before is not None and ours == before.data:
        return Change(path, "update", after.data, after.executable)
    return _merged(path, before.data if before else b"", ours, after, labels)


def _same(path: str, ours: bytes, other: bytes) -> bool:
    return ours == other or (path == PYPROJECT and _split(ours)[0] == _split(other)[0])


def _merged(path: str, before: bytes, ours: bytes, after: File, labels: tuple[str, str]) -> Change | None:
    """The record in pyproject.toml is always the new one: only what is around it is merged."""
    record = b""
    theirs = after.data
    if path == PYPROJECT:
        before, _ = _split(before)
        ours, _ = _split(ours)
        theirs, record = _split(theirs)
    if b"\0" in ours + theirs:
        return Change(path, "kept", detail="you and the template changed it, and it is not text")
    text, conflicts = _merge_file(before, ours, theirs, labels)
    data = text.rstrip(b"\n") + b"\n\n" + record if record else text
    if conflicts:
        return Change(path, "conflict", data, after.executable, f"{conflicts} marked in the file")
    return Change(path, "merge", data, after.executable)


def _split(data: bytes) -> tuple[bytes, bytes]:
    """(a pyproject.toml without the record, the record)."""
    text = data.decode("utf-8", "surrogateescape")
    match = _RECORD.search(text)
    if match is None:
        return data, b""
    rest = text[: match.start()].rstrip("\n") + "\n" + text[match.end() :]
    return rest.encode("utf-8", "surrogateescape"), match[0].encode("utf-8", "surrogateescape")


def _merge_file(before: bytes, ours: bytes, theirs: bytes, labels: tuple[str, str]) -> tuple[bytes, int]:
    """`git merge-file`: the text, and how many conflicts are marked in it."""
    with tempfile.TemporaryDirectory(prefix="opsvi-merge-") as temporary:
        names = [Path(temporary, name) for name in ("ours", "base", "new")]
        for path, data in zip(names, (ours, before, theirs), strict=True):
            path.write_bytes(data)
        words = ["git", "merge-file", "-p", "--diff3"]
        for label in ("yours", *labels):
            words += ["-L", label]
        try:
            done = subprocess.run([*words, *map(str, names)], capture_output=True, check=False)
        except FileNotFoundError:
            raise GitError("git is not installed", hint="install git") from None
    if done.returncode < 0 or done.returncode > 127:  # 128 and above: git itself failed
        raise GitError(f"git merge-file failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout, done.returncode
