"""The help page of one command, written from its parser. The same pieces are used by the reference pages."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable
from typing import Any

from typer.core import TyperArgument, TyperGroup

from .help_text import global_help, rows, shell_lines, width

_TYPES = {"str": "TEXT", "text": "TEXT", "int": "N", "integer": "N", "float": "NUMBER"}
_REST = "Options"
"""The heading of options that name none."""
HEADINGS = ("What is asked", _REST, "Model", "Answer", "Limits and records", "Instead of asking")
"""In the order in which they are shown. An option names its heading with `rich_help_panel`."""


def command_help(path: str, command: Any, bold: bool = False) -> str:
    """What `PATH --help` prints: usage, what it does, examples, arguments, options under their headings."""

    def head(text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if bold else text

    texts, examples = help_parts(command.help)
    sections: list[tuple[str, list[str]]] = []
    if examples:
        sections.append(("Examples", [line for example in examples for line in shell_lines(example)]))
    if arguments := argument_rows(command):
        sections.append(("Arguments", rows(arguments)))
    if children := _children(command):
        sections.append(("Commands", rows(children)))
    sections.extend((name, rows(options)) for name, options in option_groups(command).items())
    lines = textwrap.wrap(usage(path, command), width(), subsequent_indent="    ")
    lines[0] = lines[0].replace("Usage:", head("Usage:"), 1)
    for text in texts:
        lines.extend(["", *_paragraph(text)])
    for name, body in sections:
        lines.extend(["", head(f"{name}:"), *body])
    return "\n".join(lines) + "\n" + global_help(head)


def help_parts(text: str | None) -> tuple[list[str], list[list[str]]]:
    """Paragraphs and example blocks of a docstring; a block that begins with backspace is shell lines."""
    paragraphs: list[str] = []
    examples: list[list[str]] = []
    for block in re.split(r"\n\s*\n", inspect.cleandoc(text or "")):
        if block.startswith("\b"):
            examples.append([line.strip() for line in block.splitlines()[1:]])
        elif block.strip() != "Examples:":
            paragraphs.append(" ".join(block.split()))
    return paragraphs, examples


def usage(path: str, command: Any) -> str:
    """One line: the words that call it, and what may follow."""
    words = ["Usage:", path, *(["[OPTIONS]"] if option_groups(command) else [])]
    if isinstance(command, TyperGroup):
        words.append("[COMMAND]" if command.invoke_without_command else "COMMAND")
    return " ".join([*words, *(argument_name(param) for param in _arguments(command))])


def argument_name(param: Any) -> str:
    """As it stands in the usage: in brackets when it may be left out, with dots when it may be repeated."""
    name = str(param.metavar or param.name.upper())
    if name.startswith("["):
        return name
    name += "..." if param.nargs == -1 and not name.endswith("...") else ""
    return name if param.required else f"[{name}]"


def argument_rows(command: Any) -> list[tuple[str, str]]:
    """Name and meaning of each argument."""
    return [(argument_name(param), param.help or "") for param in _arguments(command)]


def option_groups(command: Any) -> dict[str, list[tuple[str, str]]]:
    """Name and meaning of each option, under its heading: those of HEADINGS first, then those of a plugin's own."""
    groups: dict[str, list[tuple[str, str]]] = {heading: [] for heading in HEADINGS}
    for param in command.params:
        if isinstance(param, TyperArgument) or param.hidden:
            continue
        default = default_of(param)
        text = " ".join((param.help or "").split()) + (f" (default: {default})" if default else "")
        groups.setdefault(param.rich_help_panel or _REST, []).append((option_name(param), text))
    return {heading: options for heading, options in groups.items() if options}


def option_name(param: Any) -> str:
    """The option as it is typed, with a word for its value."""
    names = sorted(param.opts, key=lambda name: name.startswith("--"))
    if param.secondary_opts:
        return "/".join([*names, *param.secondary_opts])
    return f"{', '.join(names)} {value_of(param)}".rstrip()


def value_of(param: Any) -> str:
    """What stands for the value of an option; empty for a switch."""
    if param.is_flag or param.count:
        return ""
    if choices := getattr(param.type, "choices", None):
        return "|".join(map(str, choices))
    kind = param.type.name
    return str(param.metavar or _TYPES.get(kind.split()[0], kind)).upper()


def default_of(param: Any) -> str:
    """The default that is worth saying, else nothing."""
    default = param.default
    if callable(default) or default is None or default is False or default in ("", [], ()) or not param.show_default:
        return ""
    return "on" if default is True else str(getattr(default, "value", default))


def _arguments(command: Any) -> Iterable[Any]:
    return (param for param in command.params if isinstance(param, TyperArgument) and not param.hidden)


def _children(command: Any) -> list[tuple[str, str]]:
    children = command.commands if isinstance(command, TyperGroup) else {}
    return [(name, summary(child)) for name, child in children.items() if not child.hidden]


def summary(command: Any) -> str:
    """The first sentence of its help, without the dot."""
    return str(command.get_short_help_str(400)).removesuffix(".")


def _paragraph(text: str) -> list[str]:
    return textwrap.wrap(text, width(), break_long_words=False, break_on_hyphens=False)
