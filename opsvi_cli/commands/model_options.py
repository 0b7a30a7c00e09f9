"""The options that every command with a model has: declared once, laid over the settings of the run."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import UsageError

Model: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "-m", "--model", metavar="MODEL", rich_help_panel="Model", help="provider/model, e.g. openai/gpt-5-mini"
    ),
]
BaseUrl: TypeAlias = Annotated[
    str | None, typer.Option("--base-url", metavar="URL", rich_help_panel="Model", help="An OpenAI-compatible server")
]
Temperature: TypeAlias = Annotated[
    float | None,
    typer.Option("--temperature", min=0.0, rich_help_panel="Model", help="How much answers vary; 0: least"),
]
MaxTokens: TypeAlias = Annotated[
    int | None, typer.Option("--max-tokens", min=1, rich_help_panel="Model", help="Tokens of the longest answer")
]
Stream: TypeAlias = Annotated[
    bool, typer.Option("--stream/--no-stream", rich_help_panel="Answer", help="Show the answer as it comes")
]
Markdown: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--markdown/--plain", rich_help_panel="Answer", help="Render answers on a terminal, or show their text as it is"
    ),
]
Fallback: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--fallback",
        metavar="MODEL,...",
        rich_help_panel="Model",
        help="Models asked in order when the first cannot answer: a,b",
    ),
]
Retries: TypeAlias = Annotated[
    int | None, typer.Option("--retries", min=0, rich_help_panel="Model", help="Further tries after a failure")
]
Cache: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--cache/--no-cache",
        rich_help_panel="Limits and records",
        help="Give the kept answer to the same question again",
    ),
]
MaxCost: TypeAlias = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        min=0.0,
        metavar="USD",
        rich_help_panel="Limits and records",
        help="US dollars that this run may spend on models",
    ),
]
Log: TypeAlias = Annotated[
    bool | None,
    typer.Option("--log/--no-log", rich_help_panel="Limits and records", help="Keep prompt and answer: opsvi logs"),
]
Pii: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--pii",
        metavar="ACTION",
        rich_help_panel="Limits and records",
        help="Personal data in prompts: off, warn, redact or block",
    ),
]

MODEL_FLAGS = frozenset({"fallback", "retries", "cache", "max_cost", "log", "pii", "markdown"})
"""The parameters of a command that are settings: `set_model_flags` takes them."""


def set_model_flags(
    app: AppContext,
    *,
    fallback: str | None = None,
    retries: int | None = None,
    cache: bool | None = None,
    max_cost: float | None = None,
    log: bool | None = None,
    pii: str | None = None,
    markdown: bool | None = None,
) -> None:
    """Lay the flags over the settings; None leaves a setting as it is.

    Raises UsageError for a value that a setting does not take.
    """
    if max_cost == 0:  # the setting says 0 for no limit, which nobody means here
        raise UsageError("--max-cost 0 leaves nothing to spend", hint="leave it out, or use a model that costs nothing")
    models = None if fallback is None else [name.strip() for name in fallback.split(",") if name.strip()]
    app.set_flag("resilience.fallback", models)
    app.set_flag("resilience.retries", retries)
    app.set_flag("answers.cache", cache)
    app.set_flag("budget.per_run", max_cost)
    app.set_flag("logs.enabled", log)
    app.set_flag("safety.pii", pii)
    app.set_flag("answers.markdown", markdown)
