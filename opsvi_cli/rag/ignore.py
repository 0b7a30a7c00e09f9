"""Which files of a folder are taken: globs of this run, and ignore files in the folders themselves.

Patterns have the meaning of gitignore(5). `.opsviignore` counts at every level, `.gitignore` too inside a git tree;
a deeper file overrules a higher one, and `.opsviignore` overrules the `.gitignore` beside it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opsvi_cli.errors import UsageError

from .plain_files import open_regular

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

OWN = ".opsviignore"
GIT = ".gitignore"
_MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class _Rules:
    """The patterns of one ignore file; they are matched against paths relative to `folder`."""

    folder: str
    spec: GitIgnoreSpec

    def decide(self, path: str, is_folder: bool) -> bool | None:
        """True: ignored. False: taken back by a `!` pattern. None: not mentioned."""
        relative = os.path.relpath(path, self.folder).replace(os.sep, "/")
        return self.spec.check_file(relative + "/" if is_folder else relative).include


class IgnoreFiles:
    """The ignore files that hold in one folder. `below` gives those of a sub-folder."""

    def __init__(self, rules: tuple[_Rules, ...], in_git: bool) -> None:
        self._rules = rules
        self._in_git = in_git

    @classmethod
    def at(cls, root: str) -> IgnoreFiles:
        """Those of `root` and of the folders above it, up to the top of its git tree.

        Rules from above that would leave out `root` itself are dropped: it was asked for by name.
        """
        top = _git_top(root)
        found = cls((), top is not None)
        for folder in _between(top, root) if top else []:
            found = found.below(folder)
        kept = tuple(rules for rules in found._rules if not rules.decide(root, True))
        return cls(kept, found._in_git).below(root)

    def below(self, folder: str) -> IgnoreFiles:
        """With the ignore files of `folder` itself on top."""
        names = (GIT, OWN) if self._in_git else (OWN,)
        own = tuple(rules for name in names if (rules := _read(folder, name)))
        return IgnoreFiles((*self._rules, *own), self._in_git) if own else self

    def ignored(self, path: str, *, is_folder: bool) -> bool:
        for rules in reversed(self._rules):
            if (decided := rules.decide(path, is_folder)) is not None:
                return decided
        return False


class Globs:
    """`include` and `exclude` patterns, relative to the folder that was named."""

    def __init__(self, include: Sequence[str], exclude: Sequence[str]) -> None:
        self._include = _compile(include, "--include") if include else None
        self._exclude = _compile(exclude, "--exclude") if exclude else None

    def takes(self, relative: str, *, is_folder: bool) -> bool:
        """Folders are left out by `exclude` only: a file deeper down may still be included."""
        relative = relative.replace(os.sep, "/") + ("/" if is_folder else "")
        if self._exclude is not None and self._exclude.match_file(relative):
            return False
        return is_folder or self._include is None or self._include.match_file(relative)


def _compile(patterns: Sequence[str], flag: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise UsageError(f"{flag}: not a glob: {error}", hint=f"{flag} '*.pdf'") from error


def _read(folder: str, name: str) -> _Rules | None:
    """The rules of one ignore file; None when there is none, or nothing in it that can be used."""
    try:
        with open_regular(os.path.join(folder, name), follow=False) as file:
            lines = file.read(_MAX_BYTES).decode("utf-8", "surrogateescape").splitlines()
    except OSError:
        return None
    from pathspec import GitIgnoreSpec

    usable = []
    for line in lines:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:  # as git does: a line that is no pattern matches nothing
            continue
        usable.append(line)
    return _Rules(folder, GitIgnoreSpec.from_lines(usable)) if usable else None


def _git_top(folder: str) -> str | None:
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):
            return folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _between(top: str, folder: str) -> list[str]:
    """Folders from `top` down to the parent of `folder`."""
    found = []
    while folder != top:
        folder = os.path.dirname(folder)
        found.append(folder)
    return found[::-1]
