"""`opsvi collections`: what has been ingested, and keeping it in order."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import StoreError

HELP = """List, show, check, rename and delete collections.

Examples:

\b
  opsvi collections list
  opsvi collections show work
"""
app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=False,
    help=HELP,
)

LIST_FIELDS = ("name", "store", "documents", "chunks", "embedder", "dimension", "created", "updated", "bytes")
SHOW_FIELDS = (*LIST_FIELDS, "metric", "fusion_weight", "chunker", "settings")
DOCUMENT_FIELDS = (
    "document_id",
    "source",
    "part",
    "title",
    "media_type",
    "characters",
    "chunks",
    "ingested",
    "metadata",
)
CHECK_FIELDS = ("collection", "ok", "findings")


@app.command("list")
def list_(ctx: typer.Context) -> None:
    """List the collections.

    Examples:

    \b
      opsvi collections list
      opsvi collections list --json | jq -r '.[].name'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.rag.collections import list_collections
    from opsvi_cli.render.output import show_rows

    show_rows(
        app,
        (asdict(item) for item in list_collections(app)),
        LIST_FIELDS,
        columns=("name", "documents", "chunks", "store", "updated", "bytes"),
        empty="there is no collection yet: `opsvi ingest SOURCE` makes one",
    )


@app.command("show")
def show(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Collection; none: the default one")] = None,
) -> None:
    """Show one collection: what it holds and how it was made.

    Examples:

    \b
      opsvi collections show
      opsvi collections show runbooks --json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.rag.collections import show_collection
    from opsvi_cli.render.output import dump, show_record

    record = show_collection(app, name or app.settings.collection)

    def human() -> str:
        return "\n".join(
            f"{key.replace('_', ' '):<14} {dump(value) if isinstance(value, dict) else value}"
            for key, value in record.items()
            if value is not None
        )

    show_record(app, record, human, fields=SHOW_FIELDS)


@app.command("documents")
def documents(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Collection; none: the default one")] = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="FILTER", help="Only documents like this: opsvi help filters")
    ] = None,
) -> None:
    """List the documents of a collection.

    Examples:

    \b
      opsvi collections documents
      opsvi collections documents runbooks --where 'source ~ "*.pdf"' --jsonl
    """
    app: AppContext = ctx.obj
    from opsvi_cli.rag.collections import collection_documents, document_row
    from opsvi_cli.rag.where import parse_where
    from opsvi_cli.render.output import show_rows

    found = collection_documents(app, name or app.settings.collection, parse_where(where) if where else None)
    show_rows(
        app,
        map(document_row, found),
        DOCUMENT_FIELDS,
        columns=("document_id", "source", "part", "title", "chunks"),
        empty="no document",
    )


@app.command("check")
def check(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Collection; none: all of them")] = None,
) -> None:
    """Prove that a collection is sound; exit 1 when something is wrong.

    Examples:

    \b
      opsvi collections check
      opsvi collections check runbooks --json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.rag.collections import check_collections
    from opsvi_cli.render.output import dump, message, pick, show_rows

    pick(app, dict.fromkeys(CHECK_FIELDS), CHECK_FIELDS)
    rows = check_collections(app, name)
    if app.options.machine:
        show_rows(app, rows, CHECK_FIELDS)
    else:
        lines = [{**row, "finding": item["what"] + ": " + item["detail"]} for row in rows for item in row["findings"]]
        show_rows(app, lines, ("collection", "finding"))
        for row in rows:
            if row["ok"]:
                message(app, f"{dump(row['collection'])} is sound")
    wrong = [row["collection"] for row in rows if not row["ok"]]
    if wrong:
        raise StoreError(
            f"not sound: {', '.join(wrong)}", hint="restore it, or `opsvi collections delete NAME` and ingest again"
        )


@app.command("delete")
def delete(ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="Collection")]) -> None:
    """Delete a collection and all it holds; asks first.

    Examples:

    \b
      opsvi collections delete old-notes
      opsvi collections delete old-notes --yes
    """
    app: AppContext = ctx.obj
    from opsvi_cli.rag.collections import delete_collection, describe_collection
    from opsvi_cli.render.output import message

    app.confirm(f"Delete {describe_collection(app, name)}?")
    delete_collection(app, name)
    message(app, f"deleted {name}")


@app.command("rename")
def rename(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Collection")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Its new name")],
) -> None:
    """Give a collection another name.

    Examples:

    \b
      opsvi collections rename default runbooks
    """
    app: AppContext = ctx.obj
    from opsvi_cli.rag.collections import rename_collection
    from opsvi_cli.render.output import message

    rename_collection(app, name, new)
    message(app, f"renamed {name} to {new}")
