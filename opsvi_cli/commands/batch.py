"""`opsvi batch`: many prompts from a file."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from opsvi_cli.context import AppContext

from .model_options import (
    BaseUrl,
    Cache,
    Fallback,
    Log,
    MaxCost,
    MaxTokens,
    Model,
    Pii,
    Retries,
    Temperature,
    set_model_flags,
)
from .prompt_options import Schema, System

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)

Output: TypeAlias = Annotated[
    str | None,
    typer.Option("-o", "--output", metavar="FILE", help="File of results; what it holds already is not asked again"),
]
Wait: TypeAlias = Annotated[
    float | None,
    typer.Option("--wait", min=0.0, metavar="SECONDS", help="--vendor: look every so many seconds until it is done"),
]


@app.command(name="batch")
def batch(
    ctx: typer.Context,
    prompts: Annotated[str, typer.Argument(metavar="FILE", help="JSONL file of prompts, or - for stdin")],
    output: Output = None,
    model: Model = None,
    base_url: BaseUrl = None,
    system: System = None,
    schema: Schema = None,
    temperature: Temperature = None,
    max_tokens: MaxTokens = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, help="Calls at the same time")] = 4,
    vendor: Annotated[bool, typer.Option("--vendor", help="As a job of the vendor: cheaper, within hours")] = False,
    wait: Wait = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="Cancel the vendor's job for these results")] = False,
    fallback: Fallback = None,
    retries: Retries = None,
    cache: Cache = None,
    max_cost: MaxCost = None,
    log: Log = None,
    pii: Pii = None,
) -> None:
    """Ask a model many prompts; a run that was ended goes on where it was.

    A line of the file is {"id", "prompt" or "messages", "system", "model", "schema", "temperature", "max_tokens"}, all
    but the prompt optional. Results are lines in the order in which they get ready.

    Examples:

    \b
      opsvi batch prompts.jsonl -o results.jsonl -m openai/gpt-5-mini --jobs 8
      opsvi batch prompts.jsonl -o results.jsonl --max-cost 2 --json
      opsvi batch prompts.jsonl -o results.jsonl -m openai/gpt-5-mini --vendor
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.batch import Defaults, read_items
    from opsvi_cli.llm.batch_job import FIELDS, cancel_there, run_here, run_there
    from opsvi_cli.render.model_batches import BatchListener, show_outcome
    from opsvi_cli.render.output import message, pick

    set_model_flags(app, fallback=fallback, retries=retries, cache=cache, max_cost=max_cost, log=log, pii=pii)
    pick(app, dict.fromkeys(FIELDS), FIELDS)
    output = None if output == "-" else output
    _check(app, output, vendor or cancel, wait is not None and not vendor)
    if cancel and output is not None:
        message(app, f"{cancel_there(app, output)} is cancelled")
        return
    items = read_items(app, prompts, Defaults(model, base_url, system, schema, temperature, max_tokens))
    with BatchListener(app, lines=output is None) as listener:
        if vendor and output is not None:
            outcome = run_there(app, items, output, wait, listener)
        else:
            outcome = run_here(app, items, output, jobs, listener)
    show_outcome(app, outcome)
    if (failure := outcome.failure()) is not None:
        raise failure


def _check(app: AppContext, output: str | None, needs_output: bool, waits_for_nothing: bool) -> None:
    from opsvi_cli.errors import UsageError

    if output is None and (needs_output or app.options.machine):
        raise UsageError("a file for the results must be named", hint="-o results.jsonl")
    if waits_for_nothing:
        raise UsageError("--wait is for jobs of a vendor", hint="--vendor hands one over")
