"""Writes the scripts for all shells: `python -m opsvi_cli.completion_scripts completions/`."""

from __future__ import annotations

import sys

from .app import run


def write_all(folder: str) -> int:
    """Write a script a shell into `folder`; returns the exit code of the first that failed, or 0."""
    codes = [run(["completion", shell, "--write", folder]) for shell in ("bash", "zsh", "fish", "powershell")]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    raise SystemExit(write_all(*sys.argv[1:2] or ["completions"]))
