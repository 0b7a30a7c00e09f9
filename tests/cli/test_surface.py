"""Invariants of the whole command line, read from the parsers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperArgument, TyperGroup, TyperOption

from opsvi_cli.app import load_command, runs_alone
from opsvi_cli.command_table import COMMANDS
from opsvi_cli.context import AppContext
from opsvi_cli.global_options import FLAGS

GLOBAL_NAMES = {name for flag in FLAGS for name in flag.names}


def leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            yield from leaves(child, (*path, name))
    if runs_alone(command):
        yield path, command


ALL = [leaf for name in COMMANDS for leaf in leaves(load_command(name, AppContext()), (name,))]


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_every_command_is_well_behaved(path: tuple[str, ...], command: Any) -> None:
    assert command.help, "no help"
    assert "Examples:" in command.help, "help without examples"
    assert f"opsvi {' '.join(path)}" in command.help, "its examples do not call it"
    shorts: set[str] = set()
    for param in command.params:
        if isinstance(param, TyperArgument):
            assert param.help, f"{param.name} has no help"
        if not isinstance(param, TyperOption) or param.name == "help":
            continue
        names = {*param.opts, *param.secondary_opts}
        assert param.help, f"{param.opts} has no help"
        assert any(name.startswith("--") for name in names), f"{names} has no long name"
        assert not names & GLOBAL_NAMES, f"{names & GLOBAL_NAMES} is a global option"
        own = {name for name in names if not name.startswith("--")}
        assert not own & shorts, f"{own & shorts} stands for two options"
        shorts |= own


def test_groups_have_help() -> None:
    for name in COMMANDS:
        command = load_command(name, AppContext())
        if isinstance(command, TyperGroup):
            assert command.help, f"{name} has no help"
