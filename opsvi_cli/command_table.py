"""Every command by name: where its code is, what it does, and under which heading `opsvi --help` shows it.

Read by the entry point, the help, the completions and the docs; importing it imports nothing else.
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    name: str
    target: str
    """Import string of a `typer.Typer`."""
    help: str
    section: str


_ROWS: tuple[tuple[str, str, str], ...] = (
    # name, heading, one line of help
    ("ingest", "Documents", "Read files, folders, URLs or stdin into a collection"),
    ("search", "Documents", "Find the passages that match, without a model"),
    ("query", "Documents", "Answer a question from a collection, with citations"),
    ("chat", "Documents", "Talk with a collection or a model, in sessions"),
    ("extract", "Documents", "Print the text of a document without storing it"),
    ("collections", "Documents", "List, show, check, rename and delete collections"),
    ("prompt", "Models", "Call a model alone; stdin is context"),
    ("prompts", "Models", "Keep, check and run prompts as templates"),
    ("batch", "Models", "Ask a model many prompts from a file"),
    ("embed", "Models", "Turn texts into vectors"),
    ("models", "Models", "List the models that can be used"),
    ("tokens", "Models", "Count the tokens of a text, and what they cost"),
    ("logs", "Models", "List, show, search and remove earlier prompts and answers"),
    ("usage", "Models", "What models were used for, and what it cost"),
    ("tools", "Models", "List and call the functions that models may use"),
    ("mcp", "Models", "Use tools of MCP servers, and be one for other programs"),
    ("new-library", "Libraries", "Make a new library or plugin, green from the start"),
    ("library", "Libraries", "Check a library, its dependencies, bring it up to date"),
    ("recipe", "Libraries", "Read what `new-library --with` adds"),
    ("config", "Set-up", "Read and change settings, trust a project"),
    ("secrets", "Set-up", "Store and remove keys"),
    ("plugins", "Set-up", "Install, list, check and remove plugins"),
    ("cache", "Set-up", "See and clear what is kept: embeddings, answers of models"),
    ("doctor", "Set-up", "Find what is wrong and how to mend it"),
    ("completion", "Set-up", "Print the completion script for a shell"),
    ("man", "Set-up", "Print the manual page"),
    ("help", "Set-up", "Show help for a command or a topic"),
)

COMMANDS: dict[str, Command] = {
    name: Command(name, f"opsvi_cli.commands.{name.replace('-', '_')}:app", text, section)
    for name, section, text in _ROWS
}
"""In the order of `opsvi --help`."""

SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(command.section for command in COMMANDS.values()))
