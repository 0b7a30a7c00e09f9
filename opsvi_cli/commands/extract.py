"""`opsvi extract`: the text of documents, without storing it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import ExitCode, OpsviError, PartialError

if TYPE_CHECKING:
    from opsvi_cli.rag.extract import ExtractOptions

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)


class Format(StrEnum):
    """How the text is printed."""

    markdown = "markdown"
    text = "text"
    json = "json"


@app.command(name="extract")
def extract(
    ctx: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Files, URLs, or - for standard input")],
    format: Annotated[Format, typer.Option("--format", help="How the text is printed")] = Format.markdown,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Name of what comes from stdin")] = None,
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", metavar="FILE", help="File whose first line opens encrypted documents"),
    ] = None,
) -> None:
    """Print the text of a document without storing it.

    Examples:

    \b
      opsvi extract report.pdf
      opsvi extract mail.eml --format text | grep -i invoice
      curl -s https://example.org | opsvi extract - --name page.html --json
    """
    context: AppContext = ctx.obj
    from opsvi_cli.rag.extract import FIELDS, ExtractOptions

    if format is Format.json and not context.options.machine:
        context.options = replace(context.options, json=())
    options = ExtractOptions(tuple(sources), name, password_file)
    failures: list[OpsviError] = []
    if context.options.machine:
        from opsvi_cli.render.output import show_rows

        show_rows(context, _rows(context, options, failures), FIELDS)
    else:
        _print(context, options, failures, plain=format is Format.text)
    if failures:
        _finish(failures, len(sources))


def _rows(context: AppContext, options: ExtractOptions, failures: list[OpsviError]) -> Iterator[dict[str, Any]]:
    """Records of what can be read; the others are said on stderr and kept in `failures`."""
    from opsvi_cli.rag.extract import extract as run
    from opsvi_cli.render.output import message

    for arg, result in run(context, options):
        if isinstance(result, OpsviError):
            failures.append(result)
            if len(options.sources) > 1:
                message(context, f"opsvi: {arg}: {result.message}")
            continue
        for row in result:
            for warning in row["warnings"]:
                message(context, f"warning: {arg}: {warning}")
            yield row


def _print(context: AppContext, options: ExtractOptions, failures: list[OpsviError], *, plain: bool) -> None:
    from opsvi_cli.rag.extract import plain_text
    from opsvi_cli.render.output import write

    first = True
    for row in _rows(context, options, failures):
        text = plain_text(row["text"]) if plain else row["text"]
        write(context, ("" if first else "\n") + text.rstrip("\n") + "\n")
        first = False


def _finish(failures: list[OpsviError], count: int) -> None:
    """One failed source of one is its own error; some of many is a partial success."""
    if count == 1:
        raise failures[0]
    if len(failures) < count:
        raise PartialError(f"{len(failures)} of {count} sources could not be read")
    codes = {failure.exit_code for failure in failures}
    error = OpsviError(f"none of the {count} sources could be read", hint="the lines above say why")
    error.exit_code = codes.pop() if len(codes) == 1 else ExitCode.FAILURE
    raise error
