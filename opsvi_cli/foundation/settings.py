"""The settings of a run, from their layers, each value with where it comes from.

    defaults < system < user < project < --config < profile < environment < flags

Files are TOML. A profile is a table `[profiles.NAME]` in any of them. A variable is OPSVI_MODEL, OPSVI_RETRIEVAL__K,
OPSVI_PROVIDERS__OPENAI__BASE_URL. Flags are laid over by the command that declares them.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from opsvi_cli.errors import UsageError

from .environment import PROCESS_VARIABLES
from .paths import Paths
from .schema import Root
from .setting_types import BadValueError, Key, UnknownKeyError, find, from_text, from_toml, known_settings
from .trust import ProjectFile, find_project_file, is_harmless, key_names, read_project_file

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext


@dataclass(frozen=True)
class Origin:
    """`kind`: default, system, user, project, config, profile, env or flag; `where`: a file or a variable's name."""

    kind: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.where}".rstrip()


@dataclass(frozen=True)
class Problem:
    """Something in a layer that cannot be used; `where` is the file or variable."""

    where: str
    key: str
    message: str
    hint: str = ""

    def error(self) -> UsageError:
        return UsageError(f"{self.where}: {self.message}", hint=self.hint or "opsvi config validate")


@dataclass(frozen=True)
class Settings(Root):
    """The settings by attribute (`settings.retrieval.k`), and what is known about them."""

    origins: Mapping[Key, Origin] = field(default_factory=dict)
    """Of every value that is not a default."""
    problems: tuple[Problem, ...] = ()
    project_file: ProjectFile | None = None
    files: tuple[Path, ...] = ()
    """The files that were read, weakest first."""

    def origin(self, key: Key) -> Origin:
        return self.origins.get(key, Origin("default"))

    def value(self, key: Key) -> Any:
        """The value at a path; a table gives a dictionary. Raises UnknownKeyError."""
        here: Any = self
        for step in key:
            inside = here if isinstance(here, dict) else getattr(here, "__dict__", {})
            if step not in inside or (here is self and step not in _ROOT_NAMES):
                find(key)
                raise UnknownKeyError(".".join(key))
            here = inside[step]
        return _plain(here)

    def flat(self) -> list[tuple[Key, Any]]:
        """Every setting and its value, in the order of the schema; parts' own settings by name."""
        rows: list[tuple[Key, Any]] = []
        for key, known in known_settings().items():
            value = self.value(key)
            if known.free:
                rows.extend(
                    ((*key, part, name), v) for part, table in sorted(value.items()) for name, v in table.items()
                )
            else:
                rows.append((key, value))
        return rows


_ROOT_NAMES = frozenset(item.name for item in fields(Root))


def _plain(value: Any) -> Any:
    return {item.name: _plain(getattr(value, item.name)) for item in fields(value)} if is_dataclass(value) else value


def load_settings(
    paths: Paths,
    env: Mapping[str, str],
    *,
    cwd: str,
    file: str | None,
    profile: str | None,
    strict: bool = True,
    warn: Callable[[str], None] | None = None,
) -> Settings:
    """Read all layers. `file` is --config, `profile` --profile (else OPSVI_PROFILE).

    With `strict`, the first problem raises UsageError; without, it is kept in `problems` and the value is left out.
    `warn` is told once, in one line, what an untrusted project wanted (default: stderr).
    """
    loader = _Loader(paths, env)
    loader.read_files(cwd, file)
    loader.read_profile(profile or env.get("OPSVI_PROFILE", ""))
    loader.read_environment()
    settings = loader.build()
    if strict and settings.problems:
        first = settings.problems[0].error()
        if len(settings.problems) > 1:
            first.hint = f"{first.hint}; `opsvi config validate` lists all {len(settings.problems)} problems"
        raise first
    if line := untrusted_line(settings.project_file):
        (warn or _to_stderr)(line)
    return settings


def with_flag(settings: Settings, name: str, value: object) -> Settings:
    """The settings with one value laid over all layers. Raises UsageError for a value that does not fit."""
    key = tuple(name.split("."))
    known = find(key)
    try:
        checked = from_toml(known, value)
    except BadValueError as error:
        raise UsageError(f"{name}: {error}", hint=known.help) from error

    def put(owner: Any, path: Key) -> Any:
        if len(path) == 1:
            return replace(owner, **{path[0]: checked})
        return replace(owner, **{path[0]: put(getattr(owner, path[0]), path[1:])})

    changed: Settings = put(settings, key)
    return replace(changed, origins={**changed.origins, key: Origin("flag")})


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"opsvi: {line}\n")


def untrusted_line(project: ProjectFile | None) -> str:
    """The one line about a project's file of which something was not taken; empty when there is nothing to say."""
    if project is None:
        return ""
    if project.refused:
        return f"ignored {project.path}: {project.refused}"
    if project.ignored:
        shown = ", ".join(project.ignored[:8]) + (", ..." if len(project.ignored) > 8 else "")
        return f"ignored in {project.path}, which is not trusted: {shown}; `opsvi config trust` accepts the file"
    return ""


def tolerant_settings(app: AppContext) -> Settings:
    """Load what can be used and make it the run's settings: for the commands that mend a broken file."""
    if "settings" not in app.__dict__:
        options = app.options
        app.settings = load_settings(
            app.paths,
            app.env,
            cwd=app.cwd,
            file=options.config,
            profile=options.profile,
            strict=False,
            warn=app.warn,
        )
    return app.settings


class _Loader:
    """Collects values by path; a later layer wins."""

    def __init__(self, paths: Paths, env: Mapping[str, str]) -> None:
        self.paths = paths
        self.env = env
        self.values: dict[Key, Any] = {}
        self.origins: dict[Key, Origin] = {}
        self.problems: list[Problem] = []
        self.profiles: list[tuple[Origin, Mapping[str, Any], bool]] = []
        self.project: ProjectFile | None = None
        self.ignored: list[Key] = []
        self.files: list[Path] = []

    def read_files(self, cwd: str, file: str | None) -> None:
        for path in reversed(self.paths.system):
            self._file("system", path)
        self._file("user", self.paths.settings_file)
        found = find_project_file(cwd, self.env)
        if found is not None:
            self._project(found)
        if file is not None:
            chosen = Path(cwd) / Path(file).expanduser()
            if not chosen.exists():
                self._problem(str(chosen), "", "--config: there is no such file", "opsvi config path")
            self._file("config", chosen)

    def _file(self, kind: str, path: Path) -> None:
        try:
            text = path.read_text("utf-8", errors="surrogateescape")
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self._problem(str(path), "", f"cannot be read: {error.strerror}", "check its rights")
            return
        self.files.append(path)
        self._text(Origin(kind, str(path)), text, trusted=True)

    def _project(self, path: Path) -> None:
        try:
            self.project = read_project_file(path, self.paths)
        except OSError as error:
            self._problem(str(path), "", f"cannot be read: {error.strerror}", "check its rights")
            return
        if not self.project.refused:
            self.files.append(path)
            self._text(Origin("project", str(path)), self.project.text, trusted=self.project.trusted)

    def _text(self, origin: Origin, text: str, *, trusted: bool) -> None:
        try:
            text.encode("utf-8")
            table = tomllib.loads(text)
        except UnicodeEncodeError:
            self._problem(origin.where, "", "is not UTF-8 text", "save it as UTF-8")
            return
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self._problem(origin.where, "", f"is not valid TOML: {error}", "opsvi config edit")
            return
        profiles = table.pop("profiles", {})
        if isinstance(profiles, dict):
            self.profiles.append((origin, profiles, trusted))
        else:
            self._problem(origin.where, "profiles", "profiles is not a table", "[profiles.NAME]")
        self._table(origin, table, trusted=trusted)

    def read_profile(self, name: str) -> None:
        if not name:
            return
        found = False
        for origin, profiles, trusted in self.profiles:
            table = profiles.get(name)
            if isinstance(table, dict):
                found = True
                self._table(Origin("profile", f"{name} in {origin.where}"), table, trusted=trusted)
        if not found:
            names = sorted({name for _, profiles, _ in self.profiles for name in profiles})
            hint = f"there are: {', '.join(names)}" if names else f"opsvi --profile {name} config set model NAME"
            self._problem("--profile", "", f"there is no profile {name!r}", hint)

    def _table(self, origin: Origin, table: Mapping[str, Any], *, trusted: bool) -> None:
        for key, value in _leaves(table):
            try:
                known = find(key)
            except UnknownKeyError as error:
                self._unknown(origin.where, ".".join(key), error)
                continue
            if not trusted and not is_harmless(known, value):
                self.ignored.append(key)
                continue
            try:
                self._put(key, from_toml(known, value), origin)
            except BadValueError as error:
                self._problem(origin.where, ".".join(key), f"{'.'.join(key)}: {error}", known.help)

    def read_environment(self) -> None:
        for name in sorted(self.env):
            if not name.startswith("OPSVI_") or name in PROCESS_VARIABLES:
                continue
            key = tuple(name.removeprefix("OPSVI_").lower().split("__"))
            try:
                known = find(key)
            except UnknownKeyError as error:
                # Another program's OPSVI_SOMETHING is none of our business, unless it reads like a slip.
                if len(key) > 1 or error.suggestion:
                    self._unknown(name, ".".join(key), error, variable=True)
                continue
            text = self.env[name]
            if not text and known.type in (int, float, bool):
                continue
            try:
                self._put(
                    self._as_written(key), from_text(known, text, literal=is_secret_key(key)), Origin("env", name)
                )
            except BadValueError as error:
                self._problem(name, ".".join(key), str(error), f"{'.'.join(key)}: {known.help}")

    def _as_written(self, key: Key) -> Key:
        """A variable cannot hold the hyphen of a part's name: take the spelling of the files where there is one."""
        for known in self.values:
            if len(key) == 3 and tuple(step.replace("-", "_") for step in known) == key:
                return known
        return key

    def _put(self, key: Key, value: Any, origin: Origin) -> None:
        self.values[key] = value
        self.origins[key] = origin

    def _unknown(self, where: str, name: str, error: UnknownKeyError, *, variable: bool = False) -> None:
        near = error.suggestion
        if variable and near:
            near = "OPSVI_" + near.upper().replace(".", "__")
        hint = f"Did you mean {near!r}?" if near else "`opsvi config list` shows every setting"
        self._problem(where, name, f"there is no setting {name!r}", hint)

    def _problem(self, where: str, key: str, message: str, hint: str) -> None:
        self.problems.append(Problem(where, key, message, hint))

    def build(self) -> Settings:
        project = self.project
        if project is not None and self.ignored:
            project = replace(project, ignored=key_names(self.ignored))
        tree: dict[str, Any] = {}
        for key, value in self.values.items():
            here = tree
            for step in key[:-1]:
                here = here.setdefault(step, {})
            here[key[-1]] = value
        return Settings(
            **_arguments(Root, tree),
            origins=self.origins,
            problems=tuple(self.problems),
            project_file=project,
            files=tuple(self.files),
        )


def is_secret_key(key: Key) -> bool:
    """True for a setting whose value is a secret or a reference to one."""
    from .redact import is_secret_name

    return len(key) == 3 and is_secret_name(key[-1])


def _leaves(table: Mapping[str, Any], above: Key = ()) -> list[tuple[Key, Any]]:
    """Values with their paths; options of parts (`providers.NAME.KEY`) are values whatever they hold."""
    found: list[tuple[Key, Any]] = []
    for name, value in table.items():
        key = (*above, name)
        free = (known := known_settings().get(key[:1])) is not None and known.free
        if isinstance(value, dict) and (len(key) < 3 if free else True):
            found.extend(_leaves(value, key))
        else:
            found.append((key, value))
    return found


def _arguments(owner: type, tree: Mapping[str, Any]) -> dict[str, Any]:
    types = get_type_hints(owner)
    return {
        name: types[name](**_arguments(types[name], value)) if is_dataclass(types[name]) else value
        for name, value in tree.items()
    }
