"""Answers to TAB that need a look at the user's files. The standard library only, and little of it: no Typer.

Whatever goes wrong here means no answer: a shell waits for it between two key strokes.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

# What is built in, by name: to ask the code that has them would cost its import. A test compares.
PROVIDERS = (
    "azure",
    "deepseek",
    "echo",
    "groq",
    "llama-server",
    "lmstudio",
    "mistral",
    "ollama",
    "openai",
    "openrouter",
    "tgi",
    "vllm",
)
TOOLS = ("calculator", "date", "http_get", "read_file", "search")


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
        fallback = {"config": ".config", "data": ".local/share", "state": ".local/state"}[kind]
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
    query = "SELECT COALESCE(name, id) FROM sessions ORDER BY updated DESC LIMIT 200"
    return _column(os.path.join(_directory(env, "data"), "sessions.db"), query)


def _column(path: str, query: str) -> list[str]:
    """The first column of a query on a database that is only read; nothing when it is not there."""
    if not os.path.exists(path):
        return []
    address = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    connection = sqlite3.connect(f"file:{address}?mode=ro", uri=True, timeout=0.2)
    try:
        return [str(row[0]) for row in connection.execute(query)]
    finally:
        connection.close()


def _settings(env: Mapping[str, str]) -> dict[str, object]:
    path = os.path.join(_directory(env, "config"), "config.toml")
    if not os.path.exists(path):
        return {}
    import tomllib

    with open(path, "rb") as file:
        return tomllib.load(file)


def _models(env: Mapping[str, str]) -> Iterable[str]:
    """The providers, every model that the settings name, and those that answered of late."""
    names = {"echo", *(f"{name}/" for name in _providers(env) if name != "echo")}
    if env.get("OPSVI_MODEL"):
        names.add(env["OPSVI_MODEL"])
    settings = _settings(env)
    for table in (settings, *_tables(settings.get("profiles"))):
        resilience = table.get("resilience")
        fallback = resilience.get("fallback") if isinstance(resilience, dict) else None
        listed = [table.get("model"), *(fallback if isinstance(fallback, list) else [])]
        names.update(value for value in listed if isinstance(value, str) and value)
    return names | set(_used_models(env))


def _used_models(env: Mapping[str, str]) -> Iterable[str]:
    """Of the last calls that were answered; a database in use or damaged hides only these."""
    query = (
        "SELECT DISTINCT provider || '/' || model FROM (SELECT * FROM usage ORDER BY id DESC LIMIT 1000)"
        " WHERE outcome = 'ok' AND model <> '' AND provider <> 'echo' LIMIT 50"
    )
    with contextlib.suppress(OSError, sqlite3.Error):
        return _column(os.path.join(_directory(env, "state"), "state.db"), query)
    return []


def _providers(env: Mapping[str, str]) -> Iterable[str]:
    """Those that are built in, and those of the settings."""
    settings = _settings(env)
    tables = (settings, *_tables(settings.get("profiles")))
    return {*PROVIDERS, *(name for table in tables if isinstance(own := table.get("providers"), dict) for name in own)}


def _servers(env: Mapping[str, str]) -> Iterable[str]:
    """MCP servers of the settings."""
    own = _settings(env).get("mcp")
    return own if isinstance(own, dict) else []


def _tools(env: Mapping[str, str]) -> Iterable[str]:
    """Those that are built in, those that the settings allow or ask for by name, and a glob for each MCP server."""
    own = _settings(env).get("tools")
    lists = [own.get("allow"), own.get("ask")] if isinstance(own, dict) else []
    named = [
        name for one in lists if isinstance(one, list) for name in one if isinstance(name, str) and "*" not in name
    ]
    return [*TOOLS, *named, *(f"mcp.{name}.*" for name in _servers(env))]


def model_names(env: Mapping[str, str]) -> list[str]:
    """What may follow -m, as far as the settings say; nothing when they cannot be read."""
    try:
        return sorted(_models(env))
    except (OSError, ValueError):
        return []


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
    "providers": _providers,
    "servers": _servers,
    "sessions": _sessions,
    "tools": _tools,
}
