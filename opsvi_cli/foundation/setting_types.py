"""The settings as a flat table, and values checked against it: from TOML, from a variable, from the command line.

Reading a setting must stay cheap, so this is plain Python over the dataclasses of `schema`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from .schema import Root

Key: TypeAlias = tuple[str, ...]
_SWITCH_WORDS = {
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "on": True,
    "off": False,
    "1": True,
    "0": False,
}


@dataclass(frozen=True)
class Known:
    """One setting. A `free` one holds tables that parts define: `providers.NAME.KEY`."""

    key: Key
    type: Any
    default: Any
    help: str
    project: bool
    least: float | None = None

    @property
    def free(self) -> bool:
        return get_origin(self.type) is dict

    @property
    def name(self) -> str:
        return ".".join(self.key)


class BadValueError(ValueError):
    """A value does not fit its setting; the text says what would."""


class UnknownKeyError(KeyError):
    """There is no such setting. `suggestion` names one that is near, or is empty."""

    def __init__(self, name: str, suggestion: str = "") -> None:
        super().__init__(name)
        self.suggestion = suggestion


@cache
def known_settings() -> Mapping[Key, Known]:
    """Every setting by its path, in the order of the schema."""
    found: dict[Key, Known] = {}

    def walk(owner: type, above: Key) -> None:
        types = get_type_hints(owner)
        for item in fields(owner):
            key = (*above, item.name)
            if is_dataclass(types[item.name]):
                walk(types[item.name], key)
                continue
            default = item.default_factory() if item.default_factory is not MISSING else item.default
            meta = item.metadata
            found[key] = Known(key, types[item.name], default, meta["help"], meta["project"], meta.get("least"))

    walk(Root, ())
    return found


@cache
def sections() -> frozenset[Key]:
    """Paths that are tables: the sections, and the free tables with their parts."""
    return frozenset(key[:-1] for key in known_settings() if len(key) > 1)


def find(key: Key) -> Known:
    """The setting that holds `key`. Raises UnknownKeyError with a near name."""
    table = known_settings()
    if key in table and not table[key].free:
        return table[key]
    free = table.get(key[:1])
    if free is not None and free.free and len(key) == 3 and all(key):
        return free
    raise UnknownKeyError(".".join(key), _near(".".join(key)))


def _near(name: str) -> str:
    from difflib import get_close_matches

    names = [known.name for known in known_settings().values() if not known.free]
    last = name.rpartition(".")[2]
    near = get_close_matches(name, names, n=1, cutoff=0.6) or [n for n in names if n.rpartition(".")[2] == last]
    return near[0] if near else ""


def parse_key(text: str) -> Key:
    """`retrieval.k`, `providers.openai.base_url` as a path; what stands after a part's name may hold dots."""
    head = text.strip().split(".", 1)[0]
    known = known_settings().get((head,))
    return tuple(text.strip().split(".", 2 if known is not None and known.free else -1))


def from_toml(known: Known, value: Any) -> Any:
    """Check a value that TOML has typed already. Raises BadValueError."""
    if known.free:
        return _check_free(value)
    kind = known.type
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise BadValueError(f"{_shown(value)} is none of {', '.join(get_args(kind))}")
        return value
    if get_origin(kind) is list:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadValueError(f'{_shown(value)} is not a list of texts, e.g. ["a", "b"]')
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise BadValueError(f"{_shown(value)} is not true or false")
        return value
    if kind is str:
        if not isinstance(value, str):
            raise BadValueError(f"{_shown(value)} is not a text in quotes")
        return value
    return _number(known, value)


def _number(known: Known, value: Any) -> int | float:
    whole = known.type is int
    right = isinstance(value, int) if whole else isinstance(value, (int, float))
    if isinstance(value, bool) or not right or not math.isfinite(value):
        raise BadValueError(f"{_shown(value)} is not a {'whole ' if whole else ''}number")
    if known.least is not None and value < known.least:
        raise BadValueError(f"{value} is too small: {known.least:g} is the least")
    return int(value) if whole else float(value)


def _check_free(value: Any) -> Any:
    """Options of parts may be anything that JSON can hold."""
    if isinstance(value, (str, bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list):
        return [_check_free(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _check_free(item) for key, item in value.items()}
    raise BadValueError(f"{_shown(value)} is not a text, number, true, false, list or table")


def from_text(known: Known, text: str, *, literal: bool = False) -> Any:
    """Read a value from a variable or an argument: lists with commas or as JSON. Raises BadValueError.

    `literal` keeps the value of a free setting as the text it is: a key made of digits is no number.
    """
    if known.free:
        return text if literal else _check_free(_guess(text))
    kind = known.type
    if get_origin(kind) is list:
        if text.lstrip().startswith("["):
            return from_toml(known, _guess(text))
        return [item.strip() for item in text.split(",") if item.strip()]
    if kind is bool:
        word = text.strip().lower()
        if word not in _SWITCH_WORDS:
            raise BadValueError(f"{text!r} is not true or false")
        return _SWITCH_WORDS[word]
    if kind in (int, float):
        try:
            return from_toml(known, kind(text.strip().replace("_", "")))
        except (ValueError, OverflowError) as error:
            if isinstance(error, BadValueError):
                raise
            raise BadValueError(f"{text!r} is not a {'whole ' if kind is int else ''}number") from None
    return from_toml(known, text)


def _guess(text: str) -> Any:
    """JSON where it is JSON (numbers, true, lists, tables), else the text itself."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if value is None else value


def to_text(value: Any) -> str:
    """A value as `config get` prints it and `config set` reads it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
