"""One direction of dependency, small files, honest names: read from the source, nothing is imported."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "opsvi_cli"
PLUGINS = ROOT / "plugins"

# Lowest first: a room imports rooms before it, and itself. Rooms on one line do not know each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("global_options", "command_table"),
    ("sdk",),
    ("foundation", "builtin"),
    ("plugin_host",),
    ("context",),
    ("llm",),
    ("rag",),
    ("agents",),
    ("workflows", "scaffold", "server"),
    ("help_text", "completion"),
    ("help_topics", "manual", "command_help"),
    ("render",),
    ("commands",),
    ("app",),
    ("testing",),
    ("__main__",),
)
RANK = {room: rank for rank, layer in enumerate(LAYERS) for room in layer}
SOURCES = sorted(path for path in [*PACKAGE.rglob("*.py"), *PLUGINS.rglob("src/**/*.py")])
TEMPLATES = PACKAGE / "templates"


def room_of(path: Path) -> str:
    part = path.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """(dotted module, only for types) of every import of `path`, relative ones made absolute."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    package = ("opsvi_cli", *path.relative_to(PACKAGE).parts[:-1]) if path.is_relative_to(PACKAGE) else ()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in typing_only
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield module, node in typing_only
            for alias in node.names:
                yield f"{module}.{alias.name}", node in typing_only


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards(path: Path) -> None:
    room = room_of(path)
    if room == "__init__" or path.is_relative_to(TEMPLATES):
        return
    assert room in RANK, f"{room} is no room of the architecture"
    for module, typing_only in imports(path):
        parts = module.split(".")
        if parts[0] != "opsvi_cli" or len(parts) < 2 or parts[1] not in RANK or typing_only:
            continue
        other = parts[1]
        # `help COMMAND` runs the parser again: the one place where a command needs the app.
        if (room, other) == ("commands", "app") and path.name == "help.py":
            continue
        # The context offers what the host loads, and the host finds the built-in parts by their module's name.
        if (room, other) == ("plugin_host", "builtin"):
            assert module.startswith("opsvi_cli.builtin.plugin") or module == "opsvi_cli.builtin", module
            continue
        assert other == room or RANK[other] < RANK[room], f"{room} may not import {module}"
        if other != room:
            same_line = RANK[other] == RANK[room]
            assert not same_line, f"{room} and {other} must not know each other"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("builtin/**/*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_builtin_parts_use_the_public_api_only(path: Path) -> None:
    for module, _ in imports(path):
        if module.startswith("opsvi_cli."):
            assert module.startswith(("opsvi_cli.sdk", "opsvi_cli.builtin")), f"a part may not import {module}"


def test_plugins_use_the_public_api_only() -> None:
    for path in PLUGINS.rglob("src/**/*.py"):
        for module, _ in imports(path):
            assert not module.startswith("opsvi_cli.") or module.startswith("opsvi_cli.sdk"), (path, module)


def test_render_is_used_by_commands_only() -> None:
    for path in PACKAGE.rglob("*.py"):
        if room_of(path) in ("render", "commands"):
            continue
        assert not [m for m, _ in imports(path) if m.startswith("opsvi_cli.render")], path


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_sizes(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, "a file over 400 lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = re.compile(r"(utils?|helpers?|common|misc|base)$")
    assert [path for path in SOURCES if empty.search(path.stem) and not path.is_relative_to(TEMPLATES)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_entry_prints_and_exits(path: Path) -> None:
    if path.name == "__main__.py" or path.is_relative_to(TEMPLATES):
        return
    # Children whose input has ended leave at once; line editing exists only through `input`.
    allowed = {"worker.py": {"os._exit"}, "child.py": {"os._exit"}, "chat.py": {"builtins.input"}}.get(path.name, set())
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            ends = {"print", "sys.exit", "exit", "quit", "os._exit", "input", "builtins.input"}
            assert called not in ends - allowed, f"line {node.lineno}: {called}"
        if isinstance(node, ast.Raise) and node.exc is not None:
            assert "typer.Exit" not in ast.unparse(node.exc), f"line {node.lineno}: raise an OpsviError instead"


def test_nothing_is_unpickled() -> None:
    for path in SOURCES:
        bad = [m for m, _ in imports(path) if m.split(".")[0] in ("pickle", "dill", "shelve", "marshal")]
        assert bad == [], path


def test_every_module_says_what_it_is_for() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        if text.strip() and not path.is_relative_to(TEMPLATES):
            assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"


def test_rooms_of_the_picture_exist() -> None:
    """The list of layers names no room that is neither there nor planned in the architecture page."""
    planned = {"agents", "workflows", "scaffold", "server"}
    there = {room_of(path) for path in PACKAGE.rglob("*.py")}
    assert set(RANK) - there <= planned
