"""Wheels written by hand, so that a test says exactly what a distribution holds and requires."""

from __future__ import annotations

import textwrap
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def write_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    files: Mapping[str, str] | None = None,
    *,
    requires: Sequence[str] = (),
    plugins: Mapping[str, str] | None = None,
) -> Path:
    """A pure wheel of `files` (path -> text); `plugins` are the entry points of opsvi (name -> target)."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    content = {path: textwrap.dedent(text) for path, text in (files or {}).items()}
    content[f"{info}/METADATA"] = "\n".join([*lines, *(f"Requires-Dist: {one}" for one in requires)]) + "\n"
    content[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if plugins:
        points = "".join(f"{key} = {target}\n" for key, target in plugins.items())
        content[f"{info}/entry_points.txt"] = f"[opsvi]\n{points}"
    content[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for member, text in content.items():
            wheel.writestr(member, text)
    return path
