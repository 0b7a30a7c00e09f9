"""Calls of opsvi in lines of shell, as help pages and documentation have them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from typer.core import TyperGroup

from opsvi_cli.app import parse_globals
from opsvi_cli.context import AppContext


def calls(line: str) -> Iterator[list[str]]:
    """The words of each call of opsvi in a line of shell, without redirections."""
    words: list[str] = []
    apart = re.sub(r'"\$\((.*?)\)"|\b[A-Z_]+=\S+ ', r";\1;", line)
    lexer = shlex.shlex(re.sub(r"\s\d>", " >", apart), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    for word in [*lexer, ";"]:
        if set(word) <= set("|&;<>()"):
            if words[:1] == ["opsvi"]:
                yield words[1:]
            words = []
        else:
            words.append(word)


def parse(words: Sequence[str]) -> None:
    """Have the parser read the words after `opsvi`. Raises what it raises for a command or option that is not there."""
    command, args, options = parse_globals(words, AppContext())
    while isinstance(command, TyperGroup) and args and args[0] in command.commands:
        command, args = command.commands[args[0]], args[1:]
    if command is not None and not options.help:
        command.make_context("opsvi", list(args), help_option_names=[])
