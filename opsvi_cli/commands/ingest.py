"""`opsvi ingest`: read documents into a collection."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from opsvi_cli.context import AppContext

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)

PiiOption: TypeAlias = Annotated[
    str | None, typer.Option("--pii", metavar="ACTION", help="Personal data in documents: off, warn, redact or block")
]
PasswordFile: TypeAlias = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="File whose first line opens encrypted documents")
]

Include: TypeAlias = Annotated[
    list[str] | None, typer.Option("--include", metavar="GLOB", help="Only these files of a folder")
]
Exclude: TypeAlias = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="GLOB", help="Not these files of a folder")
]
Embedder: TypeAlias = Annotated[
    str | None, typer.Option("--embedder", metavar="NAME", help="Embedder of a new collection")
]
Meta: TypeAlias = Annotated[
    list[str] | None, typer.Option("--meta", metavar="KEY=VALUE", help="A field of every document")
]

Into: TypeAlias = Annotated[
    str | None, typer.Option("-c", "--collection", metavar="NAME", help="Where the documents go")
]
StdinName: TypeAlias = Annotated[
    str | None, typer.Option("--name", metavar="NAME", help="Name of what comes from stdin")
]


@app.command(name="ingest")
def ingest(
    ctx: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Files, folders, URLs; - is stdin")],
    collection: Into = None,
    sync: Annotated[bool, typer.Option("--sync", help="Also remove documents whose source is gone")] = False,
    include: Include = None,
    exclude: Exclude = None,
    hidden: Annotated[bool, typer.Option("--hidden", help="Take hidden files and folders too")] = False,
    chunker: Annotated[str | None, typer.Option("--chunker", metavar="NAME", help="How documents are cut")] = None,
    chunk_size: Annotated[int | None, typer.Option("--chunk-size", min=1, help="Characters of a chunk")] = None,
    overlap: Annotated[int | None, typer.Option("--overlap", min=0, help="Characters that neighbours share")] = None,
    embedder: Embedder = None,
    store: Annotated[str | None, typer.Option("--store", metavar="NAME", help="Store of a new collection")] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=0, help="Worker processes; 0: one a core")] = 0,
    dry_run: Annotated[bool, typer.Option("-n", "--dry-run", help="Say what would be done, and do nothing")] = False,
    meta: Meta = None,
    name: StdinName = None,
    pii: PiiOption = None,
    password_file: PasswordFile = None,
) -> None:
    """Read files, folders, URLs or stdin into a collection.

    Only what is new or changed is read again. Ignored: hidden files, and what .opsviignore and .gitignore name.

    Examples:

    \b
      opsvi ingest docs/
      opsvi ingest docs/ --sync --exclude '*.log'
      opsvi ingest report.pdf https://example.org/ -c work
      git log | opsvi ingest - --name history.txt --meta team=ops
      opsvi ingest letters/ --pii redact
    """
    context: AppContext = ctx.obj
    context.set_flag("safety.pii", pii)
    from opsvi_cli.rag.ingest import IngestOptions, parse_meta
    from opsvi_cli.rag.ingest import ingest as run
    from opsvi_cli.rag.pipeline import TargetOptions
    from opsvi_cli.rag.sources import SourceOptions, read_password
    from opsvi_cli.render.progress import IngestProgress, show_report

    options = IngestOptions(
        TargetOptions(
            collection or context.settings.collection,
            embedder=embedder,
            chunker=chunker,
            store=store,
            size=chunk_size,
            overlap=overlap,
        ),
        SourceOptions(tuple(include or ()), tuple(exclude or ()), hidden, name, read_password(context, password_file)),
        parse_meta(meta or ()),
        sync=sync,
        dry_run=dry_run,
        jobs=jobs,
    )
    with IngestProgress(context) as progress:
        report = run(context, sources, options, progress)
    show_report(context, report)
    report.check()
