"""Changing a settings file: one value, comments and layout kept, written whole or not at all."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import NotFoundError, UsageError

from .redact import has_key_shape, is_literal_key
from .setting_types import (
    BadValueError,
    Key,
    Known,
    UnknownKeyError,
    find,
    from_text,
    known_settings,
    parse_key,
    sections,
)
from .settings import is_secret_key
from .trust import PROJECT_FILE

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.container import Container
    from tomlkit.items import Table


@dataclass(frozen=True)
class Target:
    """The file to change, and the profile in it (empty: the settings themselves)."""

    path: Path
    profile: str = ""

    def full_key(self, key: Key) -> Key:
        return ("profiles", self.profile, *key) if self.profile else key


def checked_key(text: str) -> tuple[Key, Known]:
    """The path of a setting that a user named. Raises UsageError with a near name."""
    key = parse_key(text)
    try:
        return key, find(key)
    except UnknownKeyError as error:
        raise unknown_setting(text, error) from None


def unknown_setting(text: str, error: UnknownKeyError) -> UsageError:
    hint = f"Did you mean {error.suggestion!r}?" if error.suggestion else "`opsvi config list` shows every setting"
    return UsageError(f"there is no setting {text!r}", hint=hint)


def readable_key(text: str) -> Key:
    """The path of a setting or of a whole table. Raises UsageError."""
    key = parse_key(text)
    free = known_settings().get(key[:1])
    if key in sections() or (free is not None and free.free and len(key) < 3):
        return key
    return checked_key(text)[0]


def set_value(target: Target, name: str, text: str) -> Any:
    """Write one setting and return its value. Raises UsageError for a wrong name or value, or a key itself."""
    key, known = checked_key(name)
    if known.free and (has_key_shape(text) or (is_secret_key(key) and is_literal_key(text))):
        raise UsageError(
            f"{name}: that looks like a key; settings hold only references to keys",
            hint=f"opsvi secrets set {key[1]}, then: opsvi config set {name} age:{key[1]}",
        )
    try:
        value = from_text(known, text, literal=is_secret_key(key))
    except BadValueError as error:
        raise UsageError(f"{name}: {error}", hint=known.help) from None
    document = _read(target.path)
    *above, last = target.full_key(key)
    here: TOMLDocument | Table | Container = document
    for step in above:
        here = _table(here, step, target.path)
    here[last] = value
    _write(target.path, document)
    return value


def unset_value(target: Target, name: str) -> None:
    """Take one setting, or a part's whole table, out. Raises NotFoundError when the file does not have it."""
    key = readable_key(name)
    document = _read(target.path)
    *above, last = target.full_key(key)
    trail: list[tuple[Any, str]] = []
    here: Any = document
    for step in above:
        trail.append((here, step))
        here = here.get(step) if hasattr(here, "get") else None
        if not hasattr(here, "get"):
            break
    if not hasattr(here, "get") or last not in here:
        raise NotFoundError(
            f"{name} is not set in {target.path}", hint=f"opsvi config get {name} --show-origin says where it is from"
        )
    del here[last]
    for parent, step in reversed(trail):  # a table that is empty now goes too
        if parent[step]:
            break
        del parent[step]
    _write(target.path, document)


def _table(here: Any, step: str, path: Path) -> Any:
    import tomlkit

    if step not in here:
        here[step] = tomlkit.table(is_super_table=False)
    elif not hasattr(here[step], "get"):
        raise UsageError(f"{path}: {step} is not a table", hint="opsvi config edit")
    return here[step]


def _read(path: Path) -> TOMLDocument:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(path.read_text("utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not UTF-8 text", hint="opsvi config edit") from None
    except TOMLKitError as error:
        raise UsageError(f"{path}: is not valid TOML: {error}", hint="opsvi config edit") from None


def _write(path: Path, document: TOMLDocument) -> None:
    import tomlkit

    from .files import write_atomic

    # A project's file is shared with its other authors; all else is private.
    shared = path.name == PROJECT_FILE
    mode = (stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644) if shared else 0o600
    # A link (dotfiles kept elsewhere) stays a link: what it points to is replaced.
    write_atomic(path.resolve(), tomlkit.dumps(document), mode=mode)
