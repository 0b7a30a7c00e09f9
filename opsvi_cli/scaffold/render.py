"""Templates to files, in memory: jinja2 in a sandbox, undefined names are errors, no path leaves the folder.

No code of a template runs: there is no loader, so no include or import, and no attribute that is not plain data.
"""

from __future__ import annotations

import json
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from .manifest import TemplateError

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

SUFFIX = ".jinja"
MAX_FILES = 2000
MAX_FILE_BYTES = 2_000_000
MAX_TOTAL_BYTES = 20_000_000
_FEATURE = re.compile(r"\{\{-?\s*feature\.")
_BAD_CHARACTERS = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
_WINDOWS = re.compile(r"(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class File:
    """One file of the result. `path` is relative, with slashes."""

    path: str
    data: bytes
    executable: bool = False


def render(folders: Sequence[Path], variables: Mapping[str, Any]) -> list[File]:
    """The files that the template folders give, ordered by path. A later folder may not bring a file again.

    Raises TemplateError: an undefined name, a forbidden attribute, a path that leaves the folder, a link, too much.
    """
    files: dict[str, File] = {}
    total = 0
    for folder in folders:
        for file in _render_folder(folder, variables):
            key = unicodedata.normalize("NFC", file.path).casefold()  # what some file systems take for the same
            if key in files:
                raise TemplateError(f"two files of the template are called {file.path}")
            files[key] = file
            total += len(file.data)
            if len(files) > MAX_FILES or total > MAX_TOTAL_BYTES:
                raise TemplateError(f"the template gives more than {MAX_FILES} files or {MAX_TOTAL_BYTES} bytes")
    paths = {file.path for file in files.values()}
    for path in paths:
        if above := next((str(parent) for parent in PurePosixPath(path).parents if str(parent) in paths), None):
            raise TemplateError(f"{above} of the template is a file and a folder")
    return sorted(files.values(), key=lambda file: file.path)


def _render_folder(folder: Path, variables: Mapping[str, Any]) -> Iterator[File]:
    for path in walk(folder):
        relative = path.relative_to(folder).as_posix()
        scopes: list[Mapping[str, Any]] = [variables]
        if _FEATURE.search(relative):
            scopes = [{**variables, "feature": feature} for feature in variables["features"]]
        for scope in scopes:
            target = _target(relative, scope)
            if target:
                yield _file(path, relative, target, scope)


def walk(folder: Path) -> Iterator[Path]:
    """The regular files below `folder`, ordered. Raises TemplateError for a link, a device, or one too large."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise TemplateError(f"{folder}: {error.strerror}") from None
    for name in names:
        path = folder / name
        info = path.lstat()
        if stat.S_ISDIR(info.st_mode):
            if name not in ("__pycache__", ".git"):
                yield from walk(path)
        elif not stat.S_ISREG(info.st_mode):
            raise TemplateError(f"{path} is a link or no regular file: a template holds plain files only")
        elif info.st_size > MAX_FILE_BYTES:
            raise TemplateError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
        else:
            yield path


def _target(relative: str, scope: Mapping[str, Any]) -> str:
    """The path of the result; empty when a component of it renders to nothing."""
    parts = []
    for part in relative.removesuffix(SUFFIX).split("/"):
        rendered = render_text(part, scope, relative) if "{" in part else part
        if not rendered:
            return ""
        parts.append(check_component(rendered, relative))
    return "/".join(parts)


def check_component(name: str, where: str) -> str:
    """One component of a path, on any file system. Raises TemplateError for one that is not safe."""
    unsafe = name in (".", "..") or "/" in name or _BAD_CHARACTERS.search(name) or _WINDOWS.match(name)
    if unsafe or name.lower() == ".git" or name[-1] in ". " or len(name.encode("utf-8", "replace")) > 255:
        raise TemplateError(f"{where}: the template may not write to {name!r}")
    return name


def _file(path: Path, relative: str, target: str, scope: Mapping[str, Any]) -> File:
    data = path.read_bytes()
    if relative.endswith(SUFFIX):
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            raise TemplateError(f"{relative} is not UTF-8 text") from None
        data = render_text(text, scope, relative).encode("utf-8")
    return File(target, data, executable=bool(path.stat().st_mode & stat.S_IXUSR))


def render_text(text: str, scope: Mapping[str, Any], where: str) -> str:
    """One piece of template text. Raises TemplateError that names `where` and the line."""
    from jinja2 import TemplateError as JinjaError

    try:
        pieces, size = [], 0
        for piece in _environment().from_string(text).generate(scope):
            size += len(piece)
            if size > MAX_FILE_BYTES:
                raise TemplateError(f"{where} gives more than {MAX_FILE_BYTES} characters")
            pieces.append(piece)
        return "".join(pieces)
    except TemplateError:
        raise
    except (JinjaError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        at = f"{where}:{line}" if line else where
        reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
        raise TemplateError(f"{at}: {reason}") from None


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Not optimized: a template is rendered once, and what is constant in a hostile one may be very large.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, optimized=False
    )
    # Text that differs from run to run (lipsum, random), or that holds state between loops, has no place in a template.
    environment.globals = {"range": environment.globals["range"]}
    del environment.filters["random"]
    environment.filters.update(toml=toml_string, py=python_string)
    return environment


def toml_string(value: object) -> str:
    """A TOML basic string (TOML 1.0), quotes included."""
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def python_string(value: object) -> str:
    """A Python string literal with the quotes that need fewer escapes, as formatters write it."""
    text = str(value)
    literal = json.dumps(text, ensure_ascii=False)
    if text.count('"') <= text.count("'"):
        return literal
    return "'" + literal[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
