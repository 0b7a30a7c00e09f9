"""What a generated library remembers of its making: `[tool.opsvi.library]` in its pyproject.toml.

A template without a pyproject.toml is recorded in `.opsvi-library.toml`. Text, not a parsed document, so that the same
answers give the same bytes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsvi_cli.errors import NotFoundError, OpsviError

from .render import File, toml_string

PYPROJECT = "pyproject.toml"
OWN_FILE = ".opsvi-library.toml"
_TABLE = "tool.opsvi.library"


@dataclass(frozen=True, slots=True)
class Record:
    """Enough to render the same files again."""

    template: str
    version: str
    digest: str
    """SHA-256 of the template and of the features it took, hex."""
    name: str
    commit: str = ""
    features: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    answers: Mapping[str, str] | None = None


def with_record(files: Sequence[File], record: Record) -> list[File]:
    """The files with the record in one of them."""
    text = _text(record)
    if any(file.path == PYPROJECT for file in files):
        return [
            File(PYPROJECT, file.data.rstrip() + b"\n\n" + text.encode(), file.executable)
            if file.path == PYPROJECT
            else file
            for file in files
        ]
    return sorted([*files, File(OWN_FILE, text.encode())], key=lambda file: file.path)


def _text(record: Record) -> str:
    lines = [
        "# How `opsvi library update` makes these files again.",
        f"[{_TABLE}]",
        f"template = {toml_string(record.template)}",
        f"version = {toml_string(record.version)}",
    ]
    if record.commit:
        lines.append(f"commit = {toml_string(record.commit)}")
    lines += [f"digest = {toml_string(record.digest)}", f"name = {toml_string(record.name)}"]
    for key, names in (("features", record.features), ("with", record.integrations)):
        if names:
            lines.append(f"{key} = [{', '.join(map(toml_string, names))}]")
    lines += ["", f"[{_TABLE}.answers]"]
    lines += [f"{key} = {toml_string(value)}" for key, value in sorted((record.answers or {}).items())]
    return "\n".join(lines) + "\n"


def find_upwards(start: Path, *names: str) -> Path | None:
    """The nearest folder, from `start` upwards, that has one of the files; None when none has."""
    return next((place for place in (start, *start.parents) if any((place / name).is_file() for name in names)), None)


def read_record(folder: Path) -> Record:
    """The record of the library in `folder`. Raises NotFoundError when it has none, OpsviError when it is damaged."""
    for name in (PYPROJECT, OWN_FILE):
        path = folder / name
        if path.is_file():
            try:
                found = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("opsvi", {}).get("library")
            except (OSError, ValueError, AttributeError) as error:
                raise OpsviError(f"{path} cannot be read: {error}", hint="mend it by hand") from None
            if found is not None:
                return _record(path, found)
    raise NotFoundError(
        f"{folder} was not made by opsvi: no [{_TABLE}] in {PYPROJECT}", hint="opsvi new-library NAME makes one"
    )


def _record(path: Path, found: Any) -> Record:
    try:
        answers = found.get("answers", {})
        texts = [found["template"], found["version"], found["digest"], found["name"], found.get("commit", "")]
        lists = [found.get("features", []), found.get("with", [])]
        sound = all(isinstance(value, str) for value in (*texts, *lists[0], *lists[1], *answers.values()))
    except (KeyError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise OpsviError(f"{path}: [{_TABLE}] is damaged", hint="take it back from the first commit")
    template, version, digest, name, commit = texts
    return Record(template, version, digest, name, commit, tuple(lists[0]), tuple(lists[1]), answers)
