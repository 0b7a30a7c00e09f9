"""The help pages of all commands: width, headings, words for values, examples that can be pasted."""

from __future__ import annotations

import io
import shlex
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from shell_calls import calls, parse
from typer.core import TyperArgument, TyperGroup

from opsvi_cli.app import load_command, run
from opsvi_cli.command_help import HEADINGS, command_help, help_parts, option_groups
from opsvi_cli.command_table import COMMANDS
from opsvi_cli.context import AppContext
from opsvi_cli.help_text import shell_lines


def every(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from every(child, f"{path} {name}")


ALL = [item for name in COMMANDS for item in every(load_command(name, AppContext()), f"opsvi {name}")]
each = pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _ in ALL])


@each
@pytest.mark.parametrize("columns", ["60", "80"])
def test_a_page_fits_and_nothing_is_cut(path: str, command: Any, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    page = command_help(path, command)
    assert max(map(len, page.splitlines())) <= int(columns)
    for child in getattr(command, "commands", {}).values():
        (first, *_rest), _examples = help_parts(child.help)
        assert first.split(". ")[0].removesuffix(".") in " ".join(page.split())


@each
def test_a_page_has_examples_and_words_for_values(path: str, command: Any) -> None:
    _texts, examples = help_parts(command.help)
    assert examples, "no examples"
    assert all("opsvi" in line for block in examples for line in block)
    for param in command.params:
        if isinstance(param, TyperArgument) or param.is_flag or param.count or getattr(param.type, "choices", None):
            continue
        assert param.metavar or param.type.name.split()[0] in ("int", "integer", "float"), f"{param.opts}: TEXT?"
    assert set(option_groups(command)) <= set(HEADINGS)


EXAMPLES = [(path, line) for path, command in ALL for block in help_parts(command.help)[1] for line in block]


@pytest.mark.parametrize(("path", "line"), EXAMPLES, ids=[line for _, line in EXAMPLES])
def test_an_example_is_understood_by_its_command(path: str, line: str) -> None:
    found = list(calls(line))
    assert found or "opsvi " not in line
    for words in found:
        parse(words)


def test_options_stand_under_headings() -> None:
    groups = option_groups(load_command("prompt", AppContext()))
    assert list(groups) == ["What is asked", "Model", "Answer", "Limits and records", "Instead of asking"]
    assert ("-m, --model MODEL", "provider/model, e.g. openai/gpt-5-mini") in groups["Model"]
    assert ("--stream/--no-stream", "Show the answer as it comes (default: on)") in groups["Answer"]


def test_long_examples_go_on_and_stay_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    command = "opsvi prompt \"Which dates are named?\" -f 'minutes/*.pdf' --schema '[what, when date]'"
    lines = shell_lines([command])
    assert len(lines) > 1
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(command)


@pytest.mark.parametrize(
    ("args", "first"),
    [
        (("prompts", "show", "-h"), "Usage: opsvi prompts show [OPTIONS] NAME"),
        (("prompts",), "Usage: opsvi prompts COMMAND"),
        (("chat", "--help", "-m", "echo"), "Usage: opsvi chat [OPTIONS] [COMMAND]"),
        (("--help", "chat", "list"), "Usage: opsvi chat list [OPTIONS]"),
        (("help", "config", "get"), "Usage: opsvi config get [OPTIONS] KEY"),
        (("-q", "--help"), "opsvi: search, ask and script against your own documents."),
    ],
)
def test_help_is_answered_wherever_it_stands(opsvi: Callable[..., Any], args: tuple[str, ...], first: str) -> None:
    result = opsvi(*args)
    assert result.code == 0
    assert result.out.startswith(first)
    assert "--timeout SECONDS" in result.out
    assert "\x1b" not in result.out


def test_help_as_a_value_or_after_an_unknown_command_is_none(opsvi: Callable[..., Any]) -> None:
    assert opsvi("prompt", "hi", "--system", "--help", "-m", "echo", "--dry-run").out.count("--help") == 1
    unknown = opsvi("prompts", "lsit", "--help")
    assert unknown.code == 2
    assert "Did you mean 'list'" in unknown.err


def test_an_option_is_explained_alike_wherever_a_model_is_asked() -> None:
    asks = {"opsvi prompt", "opsvi prompts run", "opsvi query", "opsvi chat", "opsvi batch"}
    texts: dict[str, set[str]] = {}
    for path, command in ALL:
        if path in asks:
            for options in option_groups(command).values():
                for name, text in options:
                    texts.setdefault(name, set()).add(text)
    differ = {name for name, found in texts.items() if len(found) > 1}
    assert differ <= {"--system TEXT", "--jobs N"}  # query and chat have instructions of their own, -n has jobs


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("args", "env", "bold"),
    [
        ((), {"TERM": "xterm"}, True),
        ((), {"TERM": "dumb"}, False),
        ((), {"TERM": "xterm", "NO_COLOR": "yes"}, False),
        (("--color", "never"), {"TERM": "xterm"}, False),
        (("--color", "always"), {"TERM": "dumb"}, True),
    ],
)
def test_headings_are_bold_where_colour_is_shown(args: tuple[str, ...], env: dict[str, str], bold: bool) -> None:
    for words in (["prompt", "-h"], ["prompts"], ["-q"]):
        screen = Screen()
        assert run([*args, *words], AppContext(env=env, out=screen)) == 0
        assert ("\x1b[1mUsage:\x1b[0m" in screen.getvalue(), "\x1b" in screen.getvalue()) == (bold, bold)
