"""`opsvi cache`: what is kept so that it is not made twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import UsageError

if TYPE_CHECKING:
    from opsvi_cli.foundation.cache import Removed

HELP = """See and clear what is kept: embeddings, answers of models.

Examples:

\b
  opsvi cache stats
  opsvi cache clear answers
"""
app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    help=HELP,
)
FIELDS = ("namespace", "entries", "bytes")
KINDS = ("embeddings", "answers", "answers-similar")
"""What opsvi itself keeps; plugins may keep more."""


@app.command(name="stats")
def stats(ctx: typer.Context) -> None:
    """Show how much is kept, by kind: `embeddings`, `answers` (kept with --cache), `answers-similar`.

    Examples:

    \b
      opsvi cache stats
      opsvi cache stats --json | jq '[.[].bytes] | add'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.render.output import show_rows

    cache = app.foundation.cache_file
    rows = [entry._asdict() for entry in (cache.stats() if cache.path.exists() else [])]
    show_rows(app, rows, FIELDS, empty="nothing is kept")


@app.command(name="clear")
def clear(
    ctx: typer.Context,
    namespace: Annotated[str | None, typer.Argument(help="Only this kind, e.g. answers; none: everything")] = None,
) -> None:
    """Forget what is kept. Nothing is lost but time: it is made again when it is needed.

    Examples:

    \b
      opsvi cache clear answers
      opsvi cache clear
    """
    app: AppContext = ctx.obj
    cache = app.foundation.cache_file
    kept = {entry.namespace for entry in (cache.stats() if namespace and cache.path.exists() else [])}
    if namespace is not None and namespace not in kept.union(KINDS):
        raise UsageError(f"nothing of the kind {namespace!r} is kept", hint="opsvi cache stats")
    _show(app, cache.clear(namespace))


@app.command(name="prune")
def prune(ctx: typer.Context) -> None:
    """Forget what is too old to be used again, and give its room back to the disk.

    Examples:

    \b
      opsvi cache prune
      opsvi cache prune --json=bytes
    """
    app: AppContext = ctx.obj
    _show(app, app.foundation.cache_file.prune())


def _show(app: AppContext, removed: Removed) -> None:
    from opsvi_cli.render.output import show_record

    entries = f"{removed.entries} entr{'y' if removed.entries == 1 else 'ies'}"
    show_record(app, {"removed": removed.entries, "bytes": removed.bytes}, lambda: f"removed {entries}")
