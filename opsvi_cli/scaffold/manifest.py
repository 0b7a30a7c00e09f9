"""`template.toml` and `feature.toml`: what a template asks for, what a feature brings. Anybody may write them."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

from opsvi_cli.errors import OpsviError

from .names import module_name

TEMPLATE_FILE = "template.toml"
FEATURE_FILE = "feature.toml"
_MAX_BYTES = 256_000

Format: TypeAlias = Literal["line", "email", "url", "word"]
FORMATS: tuple[Format, ...] = get_args(Format)


class TemplateError(OpsviError):
    """A template is not what it should be, or does what it may not."""

    code = "template"


@dataclass(frozen=True, slots=True)
class Question:
    """One thing a template wants to know. No default: it has to be answered."""

    name: str
    help: str
    default: str | None = None
    choices: tuple[str, ...] = ()
    format: Format = "line"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `template.toml` says."""

    summary: str
    version: str
    questions: tuple[Question, ...] = ()
    layers: str = ""
    """The answer that picks a folder below `layers/`, which is added to `files/`; empty: there are none."""
    features: bool = False
    """It makes a folder for each `--feature`."""
    integrations: bool = False
    """It takes what `--with` brings."""
    hooks: tuple[tuple[str, ...], ...] = ()
    """Commands for the finished folder. They run only with `--trust`."""

    @property
    def defaults(self) -> dict[str, str]:
        """The answer to each question when nobody gives one; empty where it has none."""
        return {question.name: question.default or "" for question in self.questions}


@dataclass(frozen=True, slots=True)
class Feature:
    """What `feature.toml` says of something that `--with NAME` adds."""

    name: str
    summary: str
    library: str
    url: str
    dependencies: tuple[str, ...] = ()
    dev_dependencies: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    mypy_untyped: tuple[str, ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)
    page: str = ""
    """Its page in docs/, without the suffix."""

    @property
    def module(self) -> str:
        return module_name(self.name)


def read_manifest(root: Path) -> Manifest:
    """The manifest of the template in `root`. Raises TemplateError."""
    table = _Table(root / TEMPLATE_FILE)
    manifest = Manifest(
        summary=table.text("summary"),
        version=table.text("version"),
        questions=tuple(_question(table, name, body) for name, body in table.tables("questions").items()),
        layers=table.text("layers", ""),
        features=table.flag("features"),
        integrations=table.flag("integrations"),
        hooks=table.commands("hooks"),
    )
    table.done()
    if manifest.layers and manifest.layers not in {question.name for question in manifest.questions}:
        raise TemplateError(f"{table.path}: layers = {manifest.layers!r} is none of its questions")
    return manifest


def read_feature(root: Path) -> Feature:
    """The feature in `root`; its name is that of the folder. Raises TemplateError."""
    table = _Table(root / FEATURE_FILE)
    feature = Feature(
        name=root.name,
        summary=table.text("summary"),
        library=table.text("library"),
        url=table.text("url", ""),
        dependencies=table.texts("dependencies"),
        dev_dependencies=table.texts("dev-dependencies"),
        requires=table.texts("requires"),
        mypy_untyped=table.texts("mypy-untyped"),
        scripts=table.mapping("scripts"),
        page=table.text("page", root.name),
    )
    table.done()
    return feature


def _question(table: _Table, name: str, body: Mapping[str, Any]) -> Question:
    inner = _Table(table.path, body, f"questions.{name}")
    if not name.isidentifier() or not name.isascii() or name.startswith("_"):
        raise TemplateError(f"{table.path}: a question cannot be called {name!r}")
    choices = inner.texts("choices")
    default = inner.text("default") if "default" in body else None
    kind = inner.text("format", "line")
    question = Question(name, inner.text("help"), default, choices, cast("Format", kind))
    inner.done()
    if kind not in FORMATS:
        raise TemplateError(f"{table.path}: questions.{name}.format is none of {', '.join(FORMATS)}")
    if choices and default is not None and default not in choices:
        raise TemplateError(f"{table.path}: questions.{name}.default is none of its choices")
    return question


class _Table:
    """A TOML table whose values are taken out one by one; `done` refuses what is left."""

    def __init__(self, path: Path, body: Mapping[str, Any] | None = None, where: str = "") -> None:
        self.path = path
        self._where = f"{where}." if where else ""
        self._left: dict[str, Any] = dict(_load(path) if body is None else body)

    def _take(self, name: str, default: Any, kind: type) -> Any:
        value = self._left.pop(name, default)
        if value is None:
            raise TemplateError(f"{self.path}: {self._where}{name} is missing")
        if not isinstance(value, kind):
            raise TemplateError(f"{self.path}: {self._where}{name} is not a {kind.__name__}")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        return str(self._take(name, default, str))

    def flag(self, name: str) -> bool:
        return bool(self._take(name, False, bool))

    def texts(self, name: str) -> tuple[str, ...]:
        items = self._take(name, [], list)
        if not all(isinstance(item, str) for item in items):
            raise TemplateError(f"{self.path}: {self._where}{name} is not a list of strings")
        return tuple(items)

    def commands(self, name: str) -> tuple[tuple[str, ...], ...]:
        items = self._take(name, [], list)
        for item in items:
            if not isinstance(item, list) or not item or not all(isinstance(word, str) for word in item):
                raise TemplateError(f"{self.path}: {name} is not a list of commands, each a list of words")
        return tuple(tuple(item) for item in items)

    def tables(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Any] = self._take(name, {}, dict)
        for key, body in found.items():
            if not isinstance(body, dict):
                raise TemplateError(f"{self.path}: {name}.{key} is not a table")
        return found

    def mapping(self, name: str) -> Mapping[str, str]:
        found: Mapping[str, Any] = self._take(name, {}, dict)
        if not all(isinstance(value, str) for value in found.values()):
            raise TemplateError(f"{self.path}: {name} is not a table of strings")
        return found

    def done(self) -> None:
        if self._left:
            raise TemplateError(f"{self.path}: {self._where}{min(self._left)} is no key of it")


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.is_symlink() or not stat.S_ISREG(os.stat(path).st_mode):
            raise TemplateError(f"{path} is not a regular file")
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise TemplateError(f"{path}: {error.strerror}", hint="a template is a folder with a template.toml") from None
    if len(data) > _MAX_BYTES:
        raise TemplateError(f"{path} is larger than {_MAX_BYTES} bytes")
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TemplateError(f"{path}: {error}") from None
