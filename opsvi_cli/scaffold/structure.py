"""`opsvi library check`: does a library still have the structure that it was given?

Files that are missing, folders that do not fit, imports against the direction, versions that have drifted apart.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from opsvi_cli.errors import OpsviError

from .names import module_name
from .project import Project, open_project, render_project
from .record import PYPROJECT
from .templates import open_template

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

FINDING_FIELDS = ("level", "check", "path", "line", "detail")
Level: TypeAlias = Literal["error", "warning"]

# What each part of a library may import of the library itself; features come between utils and testing.
_ALLOWED = {
    "core": {"core"},
    "utils": {"core", "utils"},
    "integrations": {"core", "utils", "integrations"},
}
_FEATURE_FILES = ("__init__.py", "base.py", "implementation.py")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. `line` is 0 for a whole file."""

    level: Level
    check: Literal["missing", "extra", "layers", "version"]
    path: str
    line: int
    detail: str


def check_library(app: AppContext, folder: str) -> tuple[Project, list[Finding]]:
    """What is wrong with the library that holds `folder`, in the order of checks and paths. Raises NotFoundError."""
    project = open_project(app, folder)
    findings = [*_against_template(app, project), *_versions(project)]
    if project.record.template == "library":
        findings += [*_extra(project), *_layers(project)]
    order = ("missing", "extra", "layers", "version")
    return project, sorted(findings, key=lambda one: (order.index(one.check), one.path, one.line))


def _against_template(app: AppContext, project: Project) -> Iterator[Finding]:
    """Files that the template makes and that are gone, and a template that has moved on."""
    record = project.record
    try:
        with open_template(app, record.template, record.commit) as template:
            expected = render_project(record, template)
            now = template.manifest.version
    except OpsviError as error:
        yield Finding("warning", "version", PYPROJECT, 0, f"the template cannot be had: {error.message}")
        return
    for path in sorted(expected):
        if not (project.root / path).is_file():
            yield Finding("error", "missing", path, 0, "the template makes it, and it is not there")
    if now != record.version:
        detail = f"made by version {record.version} of the template, the present one is {now}: opsvi library update"
        yield Finding("warning", "version", PYPROJECT, 0, detail)


def _versions(project: Project) -> Iterator[Finding]:
    """The version in the code and the one in pyproject.toml; the Python that is asked for and that is checked for."""
    try:
        data: dict[str, Any] = tomllib.loads((project.root / PYPROJECT).read_text("utf-8"))
    except (OSError, ValueError) as error:
        yield Finding("error", "version", PYPROJECT, 0, f"it cannot be read: {error}")
        return
    stated = data.get("project", {}).get("version")
    in_code = _assigned(project.source / "__init__.py", "__version__")
    if stated and in_code and stated != in_code:
        path = (project.source / "__init__.py").relative_to(project.root).as_posix()
        yield Finding("error", "version", path, 0, f"__version__ is {in_code}, {PYPROJECT} says {stated}")
    name = data.get("project", {}).get("name")
    if name and name != project.record.name:
        detail = f"the project is called {name}, and was made as {project.record.name}"
        yield Finding("error", "version", PYPROJECT, 0, detail)
    floor = re.search(r">=\s*(\d+)\.(\d+)", str(data.get("project", {}).get("requires-python", "")))
    tools = data.get("tool", {})
    for tool, value in (
        ("ruff.target-version", tools.get("ruff", {}).get("target-version")),
        ("mypy.python_version", tools.get("mypy", {}).get("python_version")),
    ):
        digits = re.fullmatch(r"(?:py)?(\d)\.?(\d+)", str(value or ""))
        if floor and digits and digits.groups() != floor.groups():
            detail = f"requires-python is {floor[1]}.{floor[2]}, tool.{tool} is {value}"
            yield Finding("warning", "version", PYPROJECT, 0, detail)


def _assigned(path: Path, name: str) -> str:
    tree = _parse(path)
    for node in tree.body if tree else ():
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            return str(ast.literal_eval(node.value)) if isinstance(node.value, ast.Constant) else ""
    return ""


def _parse(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None


def _extra(project: Project) -> Iterator[Finding]:
    """Folders of the package that are no part of the structure, and features that are not whole."""
    known = {"core", "utils", "testing", "integrations", *(module_name(name) for name in project.record.features)}
    for folder in sorted(path for path in project.source.iterdir() if path.is_dir()) if project.source.is_dir() else ():
        if folder.name.startswith((".", "__")):
            continue
        path = folder.relative_to(project.root).as_posix()
        if not (folder / "__init__.py").is_file():
            yield Finding("error", "extra", path, 0, "a folder of the package without an __init__.py")
        elif folder.name not in known:
            absent = [name for name in _FEATURE_FILES if not (folder / name).is_file()]
            if absent:
                detail = f"neither part of the structure nor a feature: it has no {', '.join(absent)}"
                yield Finding("warning", "extra", path, 0, detail)


def _layers(project: Project) -> Iterator[Finding]:
    """Imports that go against the direction: core, then utils, then features and integrations, then testing."""
    for path in sorted(project.source.rglob("*.py")):
        inside = path.relative_to(project.source)
        if len(inside.parts) < 2 or inside.parts[0] == "testing":
            continue
        layer = inside.parts[0]
        allowed = _ALLOWED.get(layer, {"core", "utils", layer})
        for line, other in _own_imports(path, inside, project):
            if other not in allowed:
                detail = f"{layer} may not import {other}"
                yield Finding("error", "layers", path.relative_to(project.root).as_posix(), line, detail)


def _own_imports(path: Path, inside: Path, project: Project) -> Iterator[tuple[int, str]]:
    """(line, layer) of each import of the library's own packages, and of its tests and examples."""
    tree = _parse(path)
    here = (project.package, *inside.parts[:-1])
    for node in ast.walk(tree) if tree else ():
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(here[: len(here) - node.level + 1]) if node.level else ""
            module = ".".join(piece for piece in (above, node.module or "") if piece)
            # `from package import x` may name a layer or a name of the package itself.
            modules = [f"{module}.{alias.name}" for alias in node.names] if module == project.package else [module]
        for module in modules:
            head, _, rest = module.partition(".")
            name = rest.partition(".")[0]
            if head in ("tests", "examples"):
                yield getattr(node, "lineno", 0), head
            elif head == project.package and (project.source / name).is_dir() and name:
                yield getattr(node, "lineno", 0), name
