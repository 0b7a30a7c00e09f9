"""`opsvi twins`. `ctx.obj` is the run's `sdk.CommandContext`: streams, options, settings, parts."""

from __future__ import annotations

import contextlib
import json
from typing import Annotated

import typer

from opsvi_cli.sdk import CommandContext, StoreBackend, UsageError

FIELDS = ("score", "source", "text", "other_source", "other_text")

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("twins")
def twins(
    ctx: typer.Context,
    collection: Annotated[str, typer.Option("--collection", "-c", help="The collection to look through")] = "",
    at_least: Annotated[float, typer.Option(min=0.0, max=1.0, help="How alike, 1 is the same")] = 0.97,
    store: Annotated[str, typer.Option(help="The store that keeps the collection")] = "",
) -> None:
    """Find passages of different documents that say the same, the most alike first.

    Examples:

    \b
      opsvi twins -c team
      opsvi twins -c team --at-least 0.9 --json
    """
    from .pairs import pairs

    run: CommandContext = ctx.obj
    asked = run.options.json or FIELDS
    if unknown := [name for name in asked if name not in FIELDS]:
        raise UsageError(f"--json: there is no field {unknown[0]!r}", hint=f"--json={','.join(FIELDS)}")
    backend: StoreBackend = run.part("store", store or run.settings.store)
    with contextlib.closing(backend.open(collection or run.settings.collection)) as opened:
        found = sorted(pairs(opened.scroll(), at_least), key=lambda pair: -pair.score)
    rows = [{name: getattr(pair, name) for name in asked} for pair in found]
    if run.options.json is not None:
        run.out.write(json.dumps(rows, ensure_ascii=False, indent=2) + "\n")
        return
    for row in rows:
        if run.options.jsonl:
            run.out.write(json.dumps(row, ensure_ascii=False) + "\n")
        else:
            run.out.write("\t".join(" ".join(str(value).split()) for value in row.values()) + "\n")
    if not rows:
        run.warn("no two passages are that alike")
