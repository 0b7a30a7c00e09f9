"""The files of a generated project."""

from __future__ import annotations

from pathlib import Path


def tree(folder: Path) -> list[str]:
    """Relative paths, git's own left out."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if not path.startswith(".git/"))
