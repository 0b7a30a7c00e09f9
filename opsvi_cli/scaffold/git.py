"""The few things that scaffolding asks of git. No hook, no helper and no prompt of the user's set-up runs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from opsvi_cli.errors import OpsviError

_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgSign=false")


class GitError(OpsviError):
    """git is not there, or a command of it failed."""

    code = "git"


def git(
    arguments: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    timeout: float = 120.0,
) -> bytes:
    """What the command prints. Raises GitError with git's own last line."""
    environment = {**os.environ, **(env or {}), "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *_SAFE, *arguments],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise GitError("git is not installed", hint="install git, or go without --git") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]} took longer than {timeout:g} s") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise GitError(f"git {arguments[0]} failed: {lines[-1] if lines else done.returncode}")
    return done.stdout


def work_tree(folder: Path) -> Path | None:
    """The top of the work tree that holds `folder`; None outside of one."""
    try:
        return Path(os.fsdecode(git(["rev-parse", "--show-toplevel"], cwd=folder)).rstrip("\n"))
    except GitError:
        return None


def changes(folder: Path) -> list[str]:
    """What git does not know of yet below `folder`: changed and untracked paths, ignored ones left out."""
    out = os.fsdecode(git(["status", "--porcelain", "-z", "--untracked-files=all", "--", "."], cwd=folder))
    return [line[3:] for line in out.split("\0") if line]


def identity(env: Mapping[str, str]) -> dict[str, str]:
    """`name` and `email` as the user's git has them; empty where it has none."""
    found = {}
    for key in ("name", "email"):
        try:
            value = git(["config", "--get", f"user.{key}"], cwd=Path("/"), env=env)
            found[key] = value.decode("utf-8", "replace").strip()
        except (GitError, OSError):
            found[key] = ""
    return found


def first_commit(folder: Path, message: str, author: str, email: str) -> bool:
    """Make `folder` a repository with one commit; False when git knows nobody to commit as: all is staged then."""
    git(["init", "--quiet", "--initial-branch=main", "."], cwd=folder)
    git(["add", "--all", "."], cwd=folder)
    known = identity({})
    name, address = known["name"] or author, known["email"] or email
    if not (name and address):
        return False
    git(["-c", f"user.name={name}", "-c", f"user.email={address}", "commit", "--quiet", "-m", message], cwd=folder)
    return True
