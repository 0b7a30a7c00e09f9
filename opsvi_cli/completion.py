"""Answers to TAB that need a look at the user's files. The standard library only, and little of it: no Typer.

Whatever goes wrong here means no answer: a shell waits for it between two key strokes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence


def answer(words: Sequence[str]) -> str:
    """The values of kind `words[0]` that start with `words[1]`, a line each, in order."""
    kind, prefix = (*words, "", "")[:2]
    read = _KINDS.get(kind)
    if read is None:
        return ""
    try:
        found = sorted({value for value in read(os.environ) if value.startswith(prefix) and value.isprintable()})
    except (OSError, ValueError, sqlite3.Error):
        return ""
    return "".join(f"{value}\n" for value in found)


def _directory(env: Mapping[str, str], kind: str) -> str:
    """As `foundation.paths` finds it; platformdirs is imported only where XDG says nothing."""
    if home := env.get("OPSVI_HOME"):
        return os.path.join(os.path.abspath(os.path.expanduser(home)), kind)
    system: str = sys.platform
    if system not in ("win32", "darwin"):
        fallback = {"config": ".config", "data": ".local/share"}[kind]
        base = env.get(f"XDG_{kind.upper()}_HOME", "")
        return os.path.join(base if base.strip() else os.path.join(os.path.expanduser("~"), fallback), "opsvi")
    from opsvi_cli.foundation.paths import find_paths

    return str(getattr(find_paths(env), kind))


def _collections(env: Mapping[str, str]) -> Iterable[str]:
    folder = os.path.join(_directory(env, "data"), "collections")
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    catalogue = os.path.join(folder, "catalogue.json")
    if os.path.exists(catalogue):
        import json

        with open(catalogue, encoding="utf-8") as file:
            known = json.load(file)
        names.extend(known if isinstance(known, dict) else ())
    return names


def _sessions(env: Mapping[str, str]) -> Iterable[str]:
    path = os.path.join(_directory(env, "data"), "sessions.db")
    if not os.path.exists(path):
        return []
    address = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(f"file:{address}?mode=ro", uri=True, timeout=0.2)
    try:
        rows = connection.execute("SELECT COALESCE(name, id) FROM sessions ORDER BY updated DESC LIMIT 200")
        return [str(row[0]) for row in rows]
    finally:
        connection.close()


def _models(env: Mapping[str, str]) -> Iterable[str]:
    """`echo`, the configured providers, and every model that the settings name."""
    names = {"echo", "openai/"}
    path = os.path.join(_directory(env, "config"), "config.toml")
    if env.get("OPSVI_MODEL"):
        names.add(env["OPSVI_MODEL"])
    if os.path.exists(path):
        import tomllib

        with open(path, "rb") as file:
            settings = tomllib.load(file)
        tables = [settings, *_tables(settings.get("profiles"))]
        for table in tables:
            fallback = table.get("resilience", {}).get("fallback", []) if _is_table(table.get("resilience")) else []
            listed = [table.get("model"), *(fallback if isinstance(fallback, list) else [])]
            names.update(value for value in listed if isinstance(value, str) and value)
            if _is_table(table.get("providers")):
                names.update(f"{name}/" for name in table["providers"] if name != "echo")
    return names


def model_names(env: Mapping[str, str]) -> list[str]:
    """What may follow -m, as far as the settings say; nothing when they cannot be read."""
    try:
        return sorted(_models(env))
    except (OSError, ValueError):
        return []


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def _tables(value: object) -> list[dict[str, object]]:
    return [table for table in value.values() if isinstance(table, dict)] if isinstance(value, dict) else []


def _plugins(env: Mapping[str, str]) -> Iterable[str]:
    """The built-in plugin, the entry points of installed ones, read from their files, and isolated distributions."""
    names = ["opsvi"]
    with contextlib.suppress(OSError):
        isolated = os.listdir(os.path.join(_directory(env, "data"), "plugins"))
        names += [name for name in isolated if not name.startswith(".")]
    for place in sys.path:
        try:
            with os.scandir(place or ".") as entries:
                folders = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
        except OSError:
            continue
        for folder in folders:
            try:
                with open(os.path.join(folder, "entry_points.txt"), encoding="utf-8") as file:
                    names.extend(_entry_points(file))
            except (OSError, ValueError):
                continue
    return names


def _prompts(env: Mapping[str, str]) -> Iterable[str]:
    """Templates of the user and those that come with opsvi."""
    names: list[str] = []
    packaged = os.path.join(os.path.dirname(os.path.abspath(__file__)), "llm", "prompts")
    for folder in (os.path.join(_directory(env, "config"), "prompts"), packaged):
        with contextlib.suppress(OSError):
            names += [name for name in os.listdir(folder) if not name.startswith(".")]
    return [stem for stem, suffix in map(os.path.splitext, names) if suffix in (".md", ".toml")]


def _entry_points(lines: Iterable[str]) -> list[str]:
    names: list[str] = []
    inside = False
    for line in lines:
        if line.startswith("["):
            inside = line.strip() == "[opsvi]"
        elif inside and "=" in line:
            names.append(line.partition("=")[0].strip())
    return names


_KINDS: Mapping[str, Callable[[Mapping[str, str]], Iterable[str]]] = {
    "collections": _collections,
    "models": _models,
    "plugins": _plugins,
    "prompts": _prompts,
    "sessions": _sessions,
}
