"""Every environment variable that opsvi reads. `opsvi help environment` prints this table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Variable(NamedTuple):
    name: str
    meaning: str


PROCESS_VARIABLES: Mapping[str, str] = {
    "OPSVI_HOME": "Keep settings, data, state and cache under this directory",
    "OPSVI_PROFILE": "Use the settings under [profiles.NAME], as --profile does",
    "OPSVI_NO_PLUGINS": "Not empty: load no plugins but the built-in ones",
    "OPSVI_STRICT_PLUGINS": "Not empty: a broken plugin ends the command",
    "OPSVI_PLUGINS": "Modules to load as plugins as well, separated by commas",
}
"""Read by opsvi itself, before or beside the settings."""

OTHER_VARIABLES: Mapping[str, str] = {
    "HOME": "Where the user's directories are, and where the search for opsvi.toml ends",
    "XDG_CONFIG_HOME": "Directory above opsvi/config.toml",
    "XDG_CONFIG_DIRS": "Directories above the machine's opsvi/config.toml, the most important first",
    "XDG_DATA_HOME": "Directory above opsvi/ for collections, sessions and stored keys",
    "XDG_STATE_HOME": "Directory above opsvi/ for events, usage and crash reports",
    "XDG_CACHE_HOME": "Directory above opsvi/ for what can be made again",
    "NO_COLOR": "Not empty: no colour",
    "FORCE_COLOR": "Not empty: colour also in a pipe",
    "TERM": "dumb: plain text",
    "COLUMNS": "Width of help and tables",
    "PAGER": "Program that shows long text on a terminal, when OPSVI_PAGER is not set",
    "PATH": "Where uv, pip, pipx and git are looked for",
    "VISUAL": "Editor of `opsvi config edit`, and of /edit in `opsvi chat`",
    "EDITOR": "The same editor, when VISUAL is not set",
    "OPENAI_API_KEY": "Key of the provider openai, when its setting api_key names no other; for OpenAI's own host",
    "AZURE_OPENAI_API_KEY": "Key of the provider azure, in the same way; for hosts of Azure",
    "OPENROUTER_API_KEY": "Key of the provider openrouter, in the same way",
    "GROQ_API_KEY": "Key of the provider groq, in the same way",
    "MISTRAL_API_KEY": "Key of the provider mistral, in the same way",
    "DEEPSEEK_API_KEY": "Key of the provider deepseek, in the same way",
}
"""Conventions of the system and of vendors."""


def variables() -> list[Variable]:
    """All of them: opsvi's own, one for every setting, and those of the system."""
    from .setting_types import known_settings

    rows = [Variable(name, meaning) for name, meaning in PROCESS_VARIABLES.items()]
    for known in known_settings().values():
        path = (*known.key, "NAME", "KEY") if known.free else known.key
        rows.append(Variable("OPSVI_" + "__".join(path).upper(), known.help))
    return rows + [Variable(name, meaning) for name, meaning in OTHER_VARIABLES.items()]
