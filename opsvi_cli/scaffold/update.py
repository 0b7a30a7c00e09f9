"""`opsvi library update`: bring a library to the present version of its template, keeping what the user changed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError, UsageError

from .answers import complete
from .git import changes as git_changes
from .git import work_tree
from .merge import Change, merge
from .place import way_back
from .project import open_project, recorded_template, render_project
from .record import Record
from .templates import Template, open_template

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


@dataclass(frozen=True)
class Updated:
    """`before` and `after` are versions of the template; `changes` is empty when there was nothing to do."""

    root: Path
    template: str
    before: str
    after: str
    changes: tuple[Change, ...]
    based: bool
    """False: the recorded template cannot be had any more, so every difference was a conflict."""
    written: bool

    @property
    def conflicts(self) -> int:
        """Files that need the user: marked, or left as they were."""
        return sum(change.action in ("conflict", "kept") for change in self.changes)


def update(app: AppContext, folder: str, given: Mapping[str, Any], *, revision: str = "", dry_run: bool) -> Updated:
    """Merge the present template into the library. Nothing is written with `dry_run`, or when an error is raised.

    Raises UsageError for a dirty tree, no repository, or an answer that is missing; TemplateError, GitError.
    """
    project = open_project(app, folder)
    if not dry_run:
        _check_clean(project.root)
    record = project.record
    with contextlib.ExitStack() as stack:
        template = stack.enter_context(open_template(app, record.template, revision))
        _check_version(record, template)
        answers = _answers(app, record, template, given)
        new = render_project(record, template, answers)
        old = stack.enter_context(recorded_template(app, record))
        base = render_project(record, old) if old is not None else None
        after = template.manifest.version
        found = tuple(merge(project.root, base, new, _labels(record, template)))
        if not dry_run:
            _write(project.root, found)
    return Updated(project.root, record.template, record.version, after, found, old is not None, not dry_run)


def _check_clean(root: Path) -> None:
    if work_tree(root) is None:
        raise UsageError(f"{root} is in no git repository: nothing could be taken back", hint="git init, and commit")
    if dirty := git_changes(root):
        raise UsageError(
            f"{root} has changes that are not committed: {', '.join(dirty[:3])}", hint="git commit, or git stash"
        )


def _check_version(record: Record, template: Template) -> None:
    if _numbers(template.manifest.version) < _numbers(record.version):
        raise OpsviError(
            f"the library was made by version {record.version} of the template, here is {template.manifest.version}",
            hint="upgrade opsvi, or the plugin that brings the template",
        )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(piece) for piece in version.split(".") if piece.isdigit())


def _labels(record: Record, template: Template) -> tuple[str, str]:
    return f"template {record.version}", f"template {template.manifest.version}"


def _answers(app: AppContext, record: Record, template: Template, given: Mapping[str, Any]) -> dict[str, str]:
    """The recorded answers, changed by `given`; a question that is new is asked."""
    asked = {question.name for question in template.manifest.questions}
    recorded = dict(record.answers or {})
    known = {key: value for key, value in recorded.items() if key in asked}
    answers = complete(app, template.manifest.questions, {**known, **given})
    if "year" in recorded:  # given by --year, which is no question
        answers.setdefault("year", recorded["year"])
    return answers


def _write(root: Path, found: tuple[Change, ...]) -> None:
    with way_back() as changes:
        for change in found:
            if change.action == "delete":
                changes.delete(root / change.path)
            elif change.data is not None:
                created = change.action == "create"
                mode = 0o755 if change.executable else 0o644
                changes.write(root / change.path, change.data, mode if created else None)
