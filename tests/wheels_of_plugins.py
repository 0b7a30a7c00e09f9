"""Wheels of little plugins, written as the zip archives they are."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

GOOD = """
from opsvi_cli.sdk import Registry, hookimpl

OPSVI_API = "1.0"


@hookimpl
def opsvi_register(registry: Registry) -> None:
    registry.reranker("{part}", "{module}.rank:Rank", help="Version {version}")
"""


def good(part: str, version: str = "1.0", module: str = "") -> str:
    """The module of a plugin that works."""
    return GOOD.format(part=part, version=version, module=module or part)


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    source: str,
    *,
    requires: Sequence[str] = (),
    points: str | None = None,
    files: Mapping[str, str] = {},
) -> Path:
    """A wheel with the package of that name; `points` replaces the text of entry_points.txt."""
    package = name.replace("-", "_")
    info = f"{package}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nAuthor: Ann\nLicense: MIT\nSummary: Ranks\n"
    members = {
        f"{package}/__init__.py": source,
        f"{info}/METADATA": metadata + "".join(f"Requires-Dist: {each}\n" for each in requires),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[opsvi]\n{name} = {package}\n" if points is None else points,
        **files,
    }
    path = folder / f"{package}-{version}-py3-none-any.whl"
    record = [f"{key},sha256={_digest(text)},{len(text.encode())}" for key, text in members.items()]
    with zipfile.ZipFile(path, "w") as wheel:
        for key, text in members.items():
            wheel.writestr(key, text)
        wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
