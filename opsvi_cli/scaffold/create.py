"""`opsvi new-library`: from options to a finished folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError, UsageError

from . import place
from .answers import complete
from .manifest import Feature
from .names import (
    check_feature_names,
    check_library_name,
    check_plugin_name,
    class_name,
    error_name,
    module_name,
    plugin_name,
    title,
)
from .record import Record, with_record
from .render import File, render
from .templates import Template, find_features, open_template

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

VERSION = "0.1.0"
"""Of every new library."""


@dataclass(frozen=True)
class Options:
    """What was asked for. `given`: answers by key, from flags and files."""

    name: str
    template: str
    into: str = "."
    features: tuple[str, ...] = ()
    integrations: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)
    year: str = ""
    dry_run: bool = False
    diff: bool = False
    force: bool = False
    git: bool = False
    trust: bool = False


@dataclass(frozen=True)
class Created:
    """What was made, or would be."""

    target: Path
    template: Template
    planned: tuple[place.Planned, ...]
    written: bool
    committed: bool | None = None
    """None: no repository was asked for; False: all is staged, for git knows nobody to commit as."""
    hooks: tuple[tuple[str, ...], ...] = ()
    """Commands of a foreign template that were left out."""


def create(app: AppContext, options: Options) -> Created:
    """Render the template and put it in place. On any error nothing is there that was not there before.

    Raises UsageError, TemplateError, NotFoundError, GitError.
    """
    target = Path(os.path.abspath(Path(app.cwd, options.into).expanduser())) / options.name
    with open_template(app, options.template) as template:
        _check_fit(template, options)
        integrations = find_features(options.integrations, template.packaged)
        check_library_name(options.name, [line for one in integrations for line in one.dependencies])
        check_feature_names(options.features, module_name(options.name), [one.name for one in integrations])
        place.check_target(target, force=options.force)
        answers = complete(app, template.manifest.questions, options.given)
        if template.reference == "plugin":
            _check_plugin(options.name, answers["part"])
        if options.year:
            answers["year"] = options.year
        files = render_all(template, options.name, options.features, integrations, answers)
        planned = tuple(place.plan(files, target))
        hooks = template.manifest.hooks
        if options.dry_run or options.diff:
            return Created(target, template, planned, written=False, hooks=hooks)
        with place.staged(files, target) as stage:
            if hooks and options.trust:
                _run_hooks(app, hooks, stage)
                hooks = ()
            committed = _commit(stage, options.name, answers) if options.git else None
            place.move(stage, target)
    return Created(target, template, planned, written=True, committed=committed, hooks=hooks)


def _check_plugin(name: str, part: str) -> None:
    from opsvi_cli.builtin.plugin import opsvi_register
    from opsvi_cli.command_table import COMMANDS
    from opsvi_cli.sdk import Registry

    registry = Registry()
    opsvi_register(registry)
    kind = module_name(part)
    built_in = {known.name for known in registry.parts() if known.kind == kind}
    check_plugin_name(plugin_name(name), part, COMMANDS.keys() if kind == "command" else built_in)


def _check_fit(template: Template, options: Options) -> None:
    if options.features and not template.manifest.features:
        raise UsageError(f"template {template.reference} takes no --feature", hint="opsvi new-library --list-templates")
    if options.integrations and not template.manifest.integrations:
        raise UsageError(f"template {template.reference} takes no --with", hint="opsvi new-library --kind library")
    if options.git and options.force:
        raise UsageError("--git makes a new repository, --force needs one that is there", hint="leave one of them out")


def render_all(
    template: Template,
    name: str,
    features: Sequence[str],
    integrations: Sequence[Feature],
    answers: Mapping[str, str],
) -> list[File]:
    """Every file of the library, with the record of how it was made. The same input gives the same bytes."""
    scope = variables(name, features, integrations, answers)
    layer = answers.get(template.manifest.layers, "") if template.manifest.layers else ""
    folders = template.folders(layer, integrations)
    if template.foreign:
        from .bounded import render_bounded

        files = render_bounded(folders, scope)
    else:
        files = render(folders, scope)
    record = Record(
        template=template.reference,
        version=template.manifest.version,
        digest=template.digest(integrations),
        name=name,
        commit=template.commit,
        features=tuple(features),
        integrations=tuple(one.name for one in integrations),
        answers=answers,
    )
    return with_record(files, record)


def variables(
    name: str, features: Sequence[str], integrations: Sequence[Feature], answers: Mapping[str, str]
) -> dict[str, Any]:
    """What a template may name: the name and what follows from it, the answers, the features."""
    package = module_name(name)
    plugin = plugin_name(name)
    scope: dict[str, Any] = {
        "author": "",
        "email": "",
        "description": "",
        "license": "MIT",
        "repository": "",
        "python": "3.11",
        "year": "",
        "part": "",
        **answers,
        "name": name,
        "package": package,
        "title": title(name),
        "class_name": class_name(name),
        "error": error_name(name),
        "prefix": package.upper(),
        "version": VERSION,
        "plugin_name": plugin,
        "plugin_module": module_name(plugin),
        "plugin_class": class_name(plugin),
        "features": [
            {"name": one, "module": module_name(one), "class_name": class_name(one), "title": title(one)}
            for one in features
        ],
    }
    scope["integrations"] = [_integration(one, scope) for one in integrations]
    for key in ("dependencies", "dev_dependencies", "mypy_untyped"):
        scope[key] = sorted({line for one in integrations for line in getattr(one, key)}, key=str.lower)
    scope["scripts"] = {key: value for one in scope["integrations"] for key, value in one["scripts"].items()}
    return scope


def _integration(one: Feature, scope: Mapping[str, Any]) -> dict[str, Any]:
    from .render import render_text

    where = f"features/{one.name}/feature.toml"
    scripts = {render_text(key, scope, where): render_text(value, scope, where) for key, value in one.scripts.items()}
    return {
        "name": one.name,
        "module": one.module,
        "page": one.page,
        "summary": one.summary,
        "library": one.library,
        "url": one.url,
        "dependencies": list(one.dependencies),
        "scripts": scripts,
    }


def _run_hooks(app: AppContext, hooks: Sequence[Sequence[str]], stage: Path) -> None:
    import shlex

    for hook in hooks:
        app.warn(f"running a command of the template: {shlex.join(hook)}")
        try:
            done = subprocess.run(hook, cwd=stage, stdout=app.err.fileno() if _real(app.err) else None, check=False)
        except OSError as error:
            raise OpsviError(f"a command of the template cannot run: {hook[0]}: {error.strerror}") from None
        if done.returncode:
            raise OpsviError(
                f"a command of the template ended with {done.returncode}: {shlex.join(hook)}",
                hint="nothing was written; without --trust it is left out",
            )


def _real(stream: Any) -> bool:
    try:
        return isinstance(stream.fileno(), int)
    except (OSError, ValueError, AttributeError):
        return False


def _commit(stage: Path, name: str, answers: Mapping[str, str]) -> bool:
    from .git import first_commit

    return first_commit(stage, f"Start {name}", answers.get("author", ""), answers.get("email", ""))
