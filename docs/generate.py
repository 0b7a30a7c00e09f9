"""Write the reference parts of these pages from the code, so that they cannot drift.

    python docs/generate.py            write them
    python docs/generate.py --check    say which are out of date, exit 1

`commands.md` is written whole. In other pages the text between `<!-- generated: NAME -->` and `<!-- end -->` is.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

HERE = Path(__file__).resolve().parent


def table(head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; pipes in cells are escaped."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines.extend("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows)
    return "\n".join(lines)


def code(text: str) -> str:
    return f"`{text}`" if text else ""


# ---------------------------------------------------------------- commands


def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """A command and its subcommands, each with the words that call it."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from walk(child, f"{path} {name}")


def command_section(path: str, command: Any) -> str:
    from opsvi_cli.command_help import argument_rows, help_parts, option_groups, usage

    texts, examples = help_parts(command.help)
    parts = [("##" if path.count(" ") == 1 else "###") + f" {path}", *texts]
    parts.extend("\n".join(["```sh", *block, "```"]) for block in examples)
    parts.append(usage(path, command).replace("Usage: ", "Usage: `") + "`")
    if arguments := argument_rows(command):
        parts.append(table(("Argument", "Meaning"), ((code(name), text) for name, text in arguments)))
    for heading, options in option_groups(command).items():
        first = "Option" if heading == "Options" else heading
        parts.append(table((first, "Meaning"), ((code(name), text) for name, text in options)))
    return "\n\n".join(part for part in parts if part)


def commands_page() -> str:
    from opsvi_cli.app import load_command
    from opsvi_cli.command_table import COMMANDS, SECTIONS
    from opsvi_cli.context import AppContext
    from opsvi_cli.global_options import FLAGS

    app = AppContext(env={})
    parts = [
        "# Commands",
        "Written from the code by `docs/generate.py`; not edited by hand. `opsvi COMMAND --help` prints the same.",
    ]
    for section in SECTIONS:
        rows = ((f"[{c.name}](#opsvi-{c.name})", c.help) for c in COMMANDS.values() if c.section == section)
        parts.append(f"**{section}**\n\n" + table(("Command", "Does"), rows))
    flags = ((code(", ".join(f.names) + (f" {f.value}" if f.value else "")), f.help) for f in FLAGS)
    parts.append("## Global options\n\nEvery command takes them, before or after its name.")
    parts.append(table(("Option", "Meaning"), flags))
    for name in COMMANDS:
        parts.extend(command_section(*item) for item in walk(load_command(name, app), f"opsvi {name}"))
    return "\n\n".join(parts) + "\n"


# ---------------------------------------------------------------- settings, environment, exit codes


def settings_rows() -> Iterator[tuple[str, str, str, str, str]]:
    """Name, type, default, may a project set it untrusted, meaning: of every setting of the schema."""
    from opsvi_cli.foundation.schema import Root

    yield from _fields(Root, "")


def _fields(owner: type, prefix: str) -> Iterator[tuple[str, str, str, str, str]]:
    hints = get_type_hints(owner)
    later = []
    for item in dataclasses.fields(owner):
        kind = hints[item.name]
        if dataclasses.is_dataclass(kind):
            later.append((kind, f"{prefix}{item.name}."))
            continue
        factory = item.default_factory
        default = factory() if callable(factory) else item.default
        project = "yes" if item.metadata.get("project", True) else "when trusted"
        yield code(prefix + item.name), type_name(kind), code(json.dumps(default)), project, item.metadata["help"]
    for kind, name in later:
        yield from _fields(kind, name)  # type: ignore[arg-type]


def type_name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return ", ".join(code(str(value)) for value in get_args(kind))
    if get_origin(kind) is list:
        return "list of text"
    if get_origin(kind) is dict:
        return "tables"
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}[kind.__name__]


def settings_table() -> str:
    return table(("Setting", "Type", "Default", "In a project's file", "Meaning"), settings_rows())


def environment_table() -> str:
    from opsvi_cli.foundation.environment import variables

    return table(("Variable", "Meaning"), ((code(name), text) for name, text in variables()))


def exit_code_table() -> str:
    from opsvi_cli.errors import EXIT_CODE_MEANINGS

    return table(("Code", "Meaning"), ((str(int(number)), text) for number, text in EXIT_CODE_MEANINGS.items()))


def error_table() -> str:
    """The words of `{"error": {"code": ...}}`, each with its exit code."""
    from opsvi_cli.errors import OpsviError

    def below(kind: type[OpsviError]) -> Iterator[type[OpsviError]]:
        yield kind
        for child in kind.__subclasses__():
            if child.__module__ == "opsvi_cli.errors":
                yield from below(child)

    rows = ((code(kind.code), str(int(kind.exit_code)), kind.__name__) for kind in below(OpsviError))
    return table(("`error.code`", "Exit code", "In Python"), rows)


def parts_table() -> str:
    """Every part in the base package, by kind."""
    from opsvi_cli.builtin.plugin import opsvi_register
    from opsvi_cli.sdk import Registry

    registry = Registry()
    opsvi_register(registry)
    rows = ((part.kind, code(part.name), part.help) for part in registry.parts())
    return table(("Kind", "Name", "What it is"), rows)


def feature_table() -> str:
    """Everything that `new-library --with` knows."""
    from opsvi_cli.scaffold.templates import all_features

    rows = ((code(one.name), one.summary, f"[{one.library}]({one.url})") for one in all_features())
    return table(("Feature", "What it adds", "On"), rows)


def protocol(name: str) -> str:
    """The source of a Protocol of the SDK."""
    from opsvi_cli import sdk

    return f"```python\n{inspect.getsource(getattr(sdk, name)).rstrip()}\n```"


BLOCKS: dict[str, Callable[..., str]] = {
    "settings": settings_table,
    "environment": environment_table,
    "exit-codes": exit_code_table,
    "errors": error_table,
    "parts": parts_table,
    "features": feature_table,
    "protocol": protocol,
}
MARKED = re.compile(r"(<!-- generated: ([a-z-]+) ?(\w*) -->\n).*?(<!-- end -->)", re.DOTALL)


def pages() -> dict[Path, str]:
    """Every page with a generated part, as it should be."""
    wanted = {HERE / "commands.md": commands_page()}
    for path in sorted(path for path in HERE.glob("**/*.md") if "_build" not in path.parts):
        text = path.read_text(encoding="utf-8")
        if path not in wanted and MARKED.search(text):
            wanted[path] = MARKED.sub(_block, text)
    return wanted


def _block(match: re.Match[str]) -> str:
    head, name, argument, end = match.groups()
    text = BLOCKS[name](argument) if argument else BLOCKS[name]()
    return f"{head}\n{text}\n\n{end}"


def main(check: bool) -> int:
    stale = [
        (path, text) for path, text in pages().items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path, text in stale:
        if not check:
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{'out of date' if check else 'written'}: {path.relative_to(HERE.parent)}\n")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
