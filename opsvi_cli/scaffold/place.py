"""Putting files where they belong: all of them or none, and over nothing that git cannot bring back."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from opsvi_cli.errors import UsageError
from opsvi_cli.foundation.files import write_atomic

from .render import File

Action: TypeAlias = Literal["create", "overwrite", "same"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of one file."""

    file: File
    action: Action

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.file.data).hexdigest()


def plan(files: Sequence[File], target: Path) -> list[Planned]:
    """Each file with what writing it to `target` would do. Raises UsageError when a folder or a link is in the way."""
    planned = []
    for file in files:
        path = target / file.path
        for parent in (path, *path.parents):
            if parent == target:
                break
            if parent.is_symlink() or (parent != path and parent.exists() and not parent.is_dir()):
                raise UsageError(f"{parent} is in the way of {file.path}", hint="move it away")
        if path.is_dir():
            raise UsageError(f"{path} is a folder, and a file of the template", hint="move it away")
        action: Action = "create"
        if path.exists():
            action = "same" if path.read_bytes() == file.data else "overwrite"
        planned.append(Planned(file, action))
    return planned


def diff(planned: Sequence[Planned], target: Path) -> Iterator[str]:
    """A unified diff of what would change; files that are not text are only named."""
    for item in planned:
        if item.action == "same":
            continue
        path = target / item.file.path
        before = path.read_bytes() if item.action == "overwrite" else b""
        old, new = _lines(before), _lines(item.file.data)
        if old is None or new is None:
            yield f"Binary file {item.file.path} would change\n"
            continue
        former = f"a/{item.file.path}" if item.action == "overwrite" else "/dev/null"
        for line in difflib.unified_diff(old, new, former, f"b/{item.file.path}"):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(data: bytes) -> list[str] | None:
    try:
        return data.decode("utf-8").splitlines(keepends=True)
    except UnicodeDecodeError:
        return None


def check_target(target: Path, *, force: bool) -> None:
    """Raise UsageError unless files may be put into `target`: not there, empty, or forced on a clean git tree."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"{target} is there already and is no folder", hint="choose another name, or --into FOLDER")
    if not target.exists() or not any(target.iterdir()):
        return
    if not force:
        raise UsageError(f"{target} is there already and is not empty", hint="choose another name, or --into FOLDER")
    from .git import changes, work_tree

    if work_tree(target) is None:
        raise UsageError(f"--force: {target} is in no git repository", hint=f"git -C {target} init, and commit")
    if dirty := changes(target):
        listed = ", ".join(dirty[:3])
        raise UsageError(
            f"--force: {target} has changes that git does not have: {listed}", hint=f"git -C {target} commit"
        )


@contextlib.contextmanager
def staged(files: Sequence[File], target: Path) -> Iterator[Path]:
    """A folder beside `target` with the files in it; gone after the `with`, unless it was moved away."""
    parent = target.parent
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=parent))
    try:
        for file in files:
            path = stage / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.data)
            path.chmod(0o755 if file.executable else 0o644)
        stage.chmod(0o755)
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        for folder in missing:
            with contextlib.suppress(OSError):  # not empty: the target is in it
                folder.rmdir()


def move(stage: Path, target: Path) -> None:
    """Put the staged folder in place: by one rename when nothing is there, else file by file with a way back."""
    if not target.exists() or not any(target.iterdir()):
        if target.exists():
            target.rmdir()
        stage.rename(target)
        return
    with way_back() as changes:
        for path in sorted(path for path in stage.rglob("*") if path.is_file()):
            mode = path.stat().st_mode & 0o777
            changes.write(target / path.relative_to(stage), path.read_bytes(), mode)


class Changes:
    """Writes and deletions that can be taken back."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def write(self, path: Path, data: bytes, mode: int | None = None) -> None:
        """Write a whole file, by a rename; folders above it are made. Without `mode` it keeps what it had."""
        for parent in reversed([parent for parent in path.parents if not parent.exists()]):
            parent.mkdir()
            self._steps.append(parent.rmdir)
        if path.exists():
            self._keep(path)
            mode = path.stat().st_mode & 0o777 if mode is None else mode
        else:
            self._steps.append(lambda: path.unlink(missing_ok=True))
        write_atomic(path, data, mode=0o644 if mode is None else mode)

    def delete(self, path: Path) -> None:
        self._keep(path)
        path.unlink()

    def _keep(self, path: Path) -> None:
        before, mode = path.read_bytes(), path.stat().st_mode & 0o777
        self._steps.append(lambda: write_atomic(path, before, mode=mode))

    def take_back(self) -> None:
        for step in reversed(self._steps):
            with contextlib.suppress(OSError):
                step()


@contextlib.contextmanager
def way_back() -> Iterator[Changes]:
    """Changes of files that are all taken back when the block does not end well."""
    changes = Changes()
    try:
        yield changes
    except BaseException:
        changes.take_back()
        raise
