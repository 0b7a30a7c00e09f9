"""A library that was generated: where it is, what it remembers, and what its template makes of that."""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import NotFoundError, OpsviError

from .create import render_all
from .git import GitError
from .manifest import TemplateError, read_manifest
from .names import module_name
from .record import OWN_FILE, PYPROJECT, Record, find_upwards, read_record
from .render import File
from .templates import KINDS, PACKAGED, Template, find_features, open_template

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

HISTORY = "history"


@dataclass(frozen=True, slots=True)
class Project:
    """`root` is the folder with the record."""

    root: Path
    record: Record

    @property
    def package(self) -> str:
        return module_name(self.record.name)

    @property
    def source(self) -> Path:
        """The folder of the package: flat, or below src/."""
        below = self.root / "src" / self.package
        return below if below.is_dir() else self.root / self.package


def open_project(app: AppContext, folder: str) -> Project:
    """The library that holds `folder`, found upwards. Raises NotFoundError when none of them was made by opsvi."""
    start = Path(os.path.abspath(Path(app.cwd, folder).expanduser()))
    if not start.is_dir():
        raise NotFoundError(f"there is no folder {start}", hint="opsvi library info FOLDER")
    place = find_upwards(start, PYPROJECT, OWN_FILE)
    if place is None:
        raise NotFoundError(f"{start} is not in a library: no {PYPROJECT} here or above", hint="opsvi new-library NAME")
    return Project(place, read_record(place))


def render_project(record: Record, template: Template, answers: Mapping[str, str] | None = None) -> dict[str, File]:
    """What the template makes of the record, by path. Raises TemplateError, UsageError."""
    integrations = find_features(record.integrations, template.packaged)
    given = dict(record.answers or {}) if answers is None else answers
    files = render_all(template, record.name, record.features, integrations, given)
    return {file.path: file for file in files}


@contextlib.contextmanager
def recorded_template(app: AppContext, record: Record) -> Iterator[Template | None]:
    """The template exactly as it was when the library was made; None when it cannot be had any more.

    The current one when nothing changed, a packaged one of an earlier version, or a repository's at its commit.
    """
    with contextlib.ExitStack() as stack:
        template = _try_open(app, record, stack)
        if template is not None and not _is_recorded(template, record):
            template = _from_history(record, stack)
            if template is not None and not _is_recorded(template, record):
                template = None
        yield template


def _try_open(app: AppContext, record: Record, stack: contextlib.ExitStack) -> Template | None:
    try:
        return stack.enter_context(open_template(app, record.template, record.commit))
    except (NotFoundError, TemplateError, GitError):
        return None


def _is_recorded(template: Template, record: Record) -> bool:
    try:
        return template.digest(find_features(record.integrations, template.packaged)) == record.digest
    except OpsviError:
        return False


def _from_history(record: Record, stack: contextlib.ExitStack) -> Template | None:
    """A packaged template of an earlier version: each release keeps those before it."""
    archive = PACKAGED / HISTORY / f"{record.version}.zip"
    if record.template not in KINDS or not archive.is_file():
        return None
    place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="opsvi-template-")))
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(place)  # our own file, from our own package
    root = place / record.template
    return Template(record.template, "built-in", root, read_manifest(root), packaged=place)
