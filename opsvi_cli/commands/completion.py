"""`opsvi completion`: the script that completes commands, options and values in a shell."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from opsvi_cli.context import AppContext


class Shell(StrEnum):
    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


FILES = {Shell.bash: "opsvi.bash", Shell.zsh: "_opsvi", Shell.fish: "opsvi.fish", Shell.powershell: "opsvi.ps1"}

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(name="completion")
def completion(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="The shell to complete in.")],
    write: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Write the script to this folder instead of stdout.")
    ] = None,
) -> None:
    """Print the completion script for a shell; no start-up file is changed.

    Examples:

    \b
      source <(opsvi completion bash)
      opsvi completion zsh > ~/.zfunc/_opsvi
      opsvi completion fish > ~/.config/fish/completions/opsvi.fish
      opsvi completion powershell >> $PROFILE
    """
    app: AppContext = ctx.obj
    from importlib import import_module

    from opsvi_cli.render.command_tree import places

    text: str = import_module(f"opsvi_cli.render.shell_{shell.value}").script(places())
    if write is None:
        app.out.write(text)
        return
    from opsvi_cli.foundation.files import write_atomic

    write_atomic(write / FILES[shell], text, mode=0o644)
