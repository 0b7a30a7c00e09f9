"""The options that `prompt` and `prompts run` share: what is asked, and how the answer is shown."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.rag.prompt_options import PromptOptions
from opsvi_cli.render.prompt_view import View

if TYPE_CHECKING:
    from opsvi_cli.llm.tools.toolbox import Toolbox

File: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "-f",
        "--file",
        metavar="SOURCE",
        rich_help_panel="What is asked",
        help="File, URL or glob whose text is context; repeatable",
    ),
]
Attach: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "-a",
        "--attach",
        metavar="SOURCE",
        rich_help_panel="What is asked",
        help="Image or PDF to send as it is: file, URL or -; repeatable",
    ),
]
Value: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="NAME=VALUE",
        rich_help_panel="What is asked",
        help="A variable of the template; repeatable",
    ),
]
System: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--system", metavar="TEXT", rich_help_panel="What is asked", help="Instructions for the model, or @FILE"
    ),
]
OwnSystem: TypeAlias = Annotated[
    str, typer.Option("--system", metavar="TEXT", help="Instructions before opsvi's own, or @FILE")
]
"""Of `query` and `chat`, which have instructions of their own."""
Schema: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="SCHEMA",
        rich_help_panel="Answer",
        help="What the answer holds: JSON Schema, its file, or 'name, age int'",
    ),
]
SchemaRetries: TypeAlias = Annotated[
    int,
    typer.Option(
        "--schema-retries", min=0, rich_help_panel="Answer", help="How often an answer that does not fit is handed back"
    ),
]
Tool: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--tool",
        metavar="NAME",
        rich_help_panel="What is asked",
        help="Tool or glob the model may call; repeatable: opsvi tools list",
    ),
]
Extract: TypeAlias = Annotated[
    bool, typer.Option("-x", "--extract", rich_help_panel="Answer", help="Print the last code block alone")
]
Samples: TypeAlias = Annotated[
    int, typer.Option("-n", "--samples", min=1, max=100, rich_help_panel="Answer", help="How many answers")
]
Jobs: TypeAlias = Annotated[
    int,
    typer.Option(
        "--jobs", min=1, max=64, rich_help_panel="Answer", help="How many answers of -n are asked at the same time"
    ),
]
ShowUsage: TypeAlias = Annotated[
    bool, typer.Option("--usage", rich_help_panel="Answer", help="Say tokens and time on stderr")
]
DryRun: TypeAlias = Annotated[
    bool,
    typer.Option("--dry-run", rich_help_panel="Instead of asking", help="Show what would be sent, and send nothing"),
]

Template: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "-t",
        "--template",
        metavar="NAME",
        rich_help_panel="What is asked",
        help="A prompt of the library or its file: opsvi prompts list",
    ),
]
Save: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--save",
        metavar="NAME",
        rich_help_panel="Instead of asking",
        help="Keep this as a template of that name, and ask nothing",
    ),
]


def show(app: AppContext, options: PromptOptions, tools: list[str], view: View, *, dry_run: bool) -> None:
    """Ask with the tools that were named and show the answer, or what would be sent."""
    from opsvi_cli.rag.prompt_request import build_request
    from opsvi_cli.render.prompts import show_dry_run, show_prompt

    request = build_request(app, options)
    if dry_run:
        show_dry_run(app, request)
        return
    with _toolbox(app, tools) or contextlib.nullcontext() as toolbox:
        show_prompt(app, request, view, toolbox)


def save(app: AppContext, name: str, options: PromptOptions, *, dry_run: bool) -> None:
    """Keep what was typed as a template of the user's own."""
    from opsvi_cli.errors import UsageError
    from opsvi_cli.llm.prompt_library import save_template, template_text
    from opsvi_cli.llm.prompting import read_system
    from opsvi_cli.render.output import message

    if options.files or options.attach or options.template:
        raise UsageError(
            "--save keeps text and settings; files and templates are not part of it", hint="leave them out"
        )
    if dry_run:
        raise UsageError("--save asks nothing: there is nothing for --dry-run to show", hint="leave one of them out")
    asked = options.typed or app.read_stdin() or ""
    if not asked.strip():
        raise UsageError("there is nothing to keep", hint=f'opsvi prompt "your question" --save {name}')
    text = template_text(
        asked,
        system=read_system(options.system, app.cwd) or "",
        schema=options.schema,
        model=options.model,
        temperature=options.temperature,
        max_tokens=options.max_tokens,
        cwd=app.cwd,
    )
    path = save_template(app, name, text)
    message(app, f"saved {path}; opsvi prompt -t {name}")


def _toolbox(app: AppContext, names: list[str]) -> Toolbox | None:
    if not names:
        return None
    from opsvi_cli.rag.tools import open_toolbox
    from opsvi_cli.render.tools import say_call

    return open_toolbox(app, names, lambda call, result: say_call(app, call, result))


def check_samples(app: AppContext, samples: int, cache: bool | None) -> None:
    """Kept answers would make all samples the same one. Raises UsageError when both are asked for."""
    if samples == 1:
        return
    if cache:
        from opsvi_cli.errors import UsageError

        raise UsageError("-n wants several answers, --cache the one that is kept", hint="leave one of them out")
    app.set_flag("answers.cache", False)
