"""Every command with its options, read from the parsers: what the completion scripts are written from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, get_args, get_type_hints

import typer
from typer.core import TyperArgument, TyperGroup

from opsvi_cli.command_table import COMMANDS, Command
from opsvi_cli.foundation.schema import Log, Retrieval, Safety
from opsvi_cli.global_options import COLOR_CHOICES, FLAGS

SHELLS = ("bash", "zsh", "fish", "powershell")

# What stands for the values of an option or argument: words, or one of these. `ASKED` are answered by `__complete`.
FILES = "@files"
ASKED = (
    "@collections",
    "@models",
    "@plugins",
    "@prompts",
    "@providers",
    "@servers",
    "@sessions",
    "@tools",
)
NOTHING = "@nothing"


@dataclass(frozen=True, slots=True)
class Option:
    """`values` is empty for a switch, else words or a marker: what may follow the option."""

    names: tuple[str, ...]
    help: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A command or a group: `path` is empty for opsvi itself."""

    path: tuple[str, ...]
    commands: Mapping[str, str]
    """Subcommands with a line of help."""
    options: tuple[Option, ...]
    arguments: tuple[str, ...]
    """What its arguments may be: words, or a marker."""


def _choices() -> dict[str, tuple[str, ...]]:
    hints = get_type_hints(Retrieval)
    return {
        "--mode": get_args(hints["mode"]),
        "--fusion": get_args(hints["fusion"]),
        "--log-format": get_args(get_type_hints(Log)["format"]),
        "--color": COLOR_CHOICES,
        "--pii": get_args(get_type_hints(Safety)["pii"]),
    }


_OPTION_MARKERS = {
    "--collection": "@collections",
    "--model": "@models",
    "--fallback": "@models",
    "--tool": "@tools",
    "--session": "@sessions",
    "-t": "@prompts",
    "--template": FILES,
    "--schema": FILES,
    "--attach": FILES,
    "--batch": FILES,
    "--config": FILES,
    "--output": FILES,
    "--write": FILES,
    "--file": FILES,
}
_FILE_ARGUMENTS = frozenset({"source", "sources", "path", "paths", "file", "files", "args"})
_PART_OPTIONS = {
    "--embedder": "embedder",
    "--chunker": "chunker",
    "--store": "store",
    "--rerank": "reranker",
    "--processor": "processor",
}


def built_in_parts() -> dict[str, tuple[str, ...]]:
    """Names of the built-in parts that an option takes."""
    from opsvi_cli.builtin.plugin import opsvi_register
    from opsvi_cli.sdk import Registry

    registry = Registry()
    opsvi_register(registry)
    return {
        option: tuple(part.name for part in registry.parts() if part.kind == kind)
        for option, kind in _PART_OPTIONS.items()
    }


def places(commands: Mapping[str, Command] = COMMANDS) -> list[Place]:
    """opsvi itself, then every command and subcommand in order. Imports every command's module."""
    choices = {**_choices(), **built_in_parts()}
    root = Place((), {name: command.help for name, command in commands.items()}, _global_options(choices), ())
    found = [root]
    for name, command in commands.items():
        module, _, attribute = command.target.partition(":")
        tree = typer.main.get_command(getattr(import_module(module), attribute))
        found.extend(_below((name,), tree, choices))
    return found


def _below(path: tuple[str, ...], node: Any, choices: Mapping[str, tuple[str, ...]]) -> list[Place]:
    children: Mapping[str, Any] = node.commands if isinstance(node, TyperGroup) else {}
    shown = {name: child for name, child in children.items() if not child.hidden}
    options: list[Option] = []
    arguments: tuple[str, ...] = ()
    for param in node.params:
        if isinstance(param, TyperArgument):
            arguments = arguments or _argument(path, param.name or "", _words_of(param))
        elif not param.hidden:
            options.append(_option(param, choices))
    options.append(Option(("-h", "--help"), "Show help"))
    helps = {name: child.get_short_help_str(200) for name, child in shown.items()}
    here = Place(path, helps, tuple(options), arguments)
    return [here, *(place for name, child in shown.items() for place in _below((*path, name), child, choices))]


def _words_of(param: Any) -> tuple[str, ...]:
    return tuple(str(word) for word in getattr(param.type, "choices", None) or ())


def _option(param: Any, choices: Mapping[str, tuple[str, ...]]) -> Option:
    names = (*param.opts, *param.secondary_opts)
    text = " ".join((param.help or "").split())
    if param.is_flag or param.count:
        return Option(names, text)
    if words := _words_of(param):
        return Option(names, text, words)
    for name in names:
        if name in choices:
            return Option(names, text, choices[name] or (NOTHING,))
        if name in _OPTION_MARKERS:
            return Option(names, text, (_OPTION_MARKERS[name],))
    return Option(names, text, (NOTHING,))


def _argument(path: tuple[str, ...], name: str, words: tuple[str, ...]) -> tuple[str, ...]:
    if words:
        return words
    match path:
        case ("collections", *_):
            return ("@collections",)
        case ("plugins", *_):
            return ("@plugins",)
        case ("prompts", *_):
            return ("@prompts",)
        case ("chat", "show" | "rename" | "rm" | "export"):
            return ("@sessions",)
        case ("tools", *_) if name in ("name", "names"):
            return ("@tools",)
        case ("mcp", "tools"):
            return ("@servers",)
        case ("models",) | ("secrets", "set"):
            return ("@providers",)
        case ("logs", *_) if name in ("call", "calls"):
            return ("last",)
        case ("cache", "clear"):
            return ("answers", "embeddings")
        case ("completion",):
            return SHELLS
        case ("config", "get" | "set" | "unset"):
            from opsvi_cli.foundation.setting_types import known_settings

            return tuple(".".join(known.key) for known in known_settings().values() if not known.free)
        case ("config", "trust" | "untrust"):
            return (FILES,)
        case ("help",):
            from opsvi_cli.help_topics import TOPICS

            return (*COMMANDS, *TOPICS)
    return (FILES,) if name in _FILE_ARGUMENTS else ()


def _global_options(choices: Mapping[str, tuple[str, ...]]) -> tuple[Option, ...]:
    found = [Option(("-V", "--version"), "Show the version")]
    for flag in FLAGS:
        # The fields of --json are optional: the word after it is not its value.
        valued = bool(flag.value) and not flag.value.startswith("[")
        values = choices.get(flag.names[-1]) or (_OPTION_MARKERS.get(flag.names[-1], NOTHING),)
        found.append(Option(flag.names, flag.help, values if valued else ()))
    return tuple(found)
