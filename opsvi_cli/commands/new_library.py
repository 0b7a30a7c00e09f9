"""`opsvi new-library`: a new library or plugin from a template, ready to be tested and released."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError, UsageError

app = typer.Typer(rich_markup_mode=None, add_completion=False)


NameArgument = Annotated[str, typer.Argument(metavar="[NAME]", help="Name of the library, e.g. ocean-data")]
Part = Annotated[str, typer.Option(metavar="PART", help="What the plugin brings: provider, processor, store ...")]
Features = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="A folder of its own for this; may be repeated")
]
With = Annotated[
    list[str] | None, typer.Option("--with", metavar="FEATURE,...", help="Ready integrations, e.g. retry,storage")
]
TemplateName = Annotated[
    str, typer.Option(metavar="TEMPLATE", help="A template by name, ./FOLDER, git+URL@REVISION#FOLDER")
]
Answer = Annotated[
    list[str] | None, typer.Option("--answer", "-a", metavar="KEY=VALUE", help="Answer of a question; may be repeated")
]
AnswerFile = Annotated[str, typer.Option(metavar="FILE", help="Answers in a TOML or JSON file, - for stdin")]
Year = Annotated[str, typer.Option(metavar="YEAR", help="Year of the licence; without it there is none")]
Into = Annotated[str, typer.Option(metavar="FOLDER", help="Folder in which NAME/ is made")]
Force = Annotated[bool, typer.Option("--force", help="Into a folder that is there, if git has all of it")]
DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be written")]
Diff = Annotated[bool, typer.Option("--diff", help="Only show what would be written, as a diff")]
Git = Annotated[bool, typer.Option("--git", help="Make it a git repository with a first commit")]
Verify = Annotated[bool, typer.Option("--verify", help="Install, test, lint, check types and build it, elsewhere")]
Trust = Annotated[bool, typer.Option("--trust", help="Run the commands of a foreign template")]
ListTemplates = Annotated[bool, typer.Option("--list-templates", help="List the templates")]
ListFeatures = Annotated[bool, typer.Option("--list-features", help="List what --with knows")]


@app.command("new-library")
def new_library(
    ctx: typer.Context,
    name: NameArgument = "",
    kind: Annotated[str, typer.Option(metavar="KIND", help="library or plugin")] = "",
    part: Part = "",
    feature: Features = None,
    with_: With = None,
    template: TemplateName = "",
    answer: Answer = None,
    answers: AnswerFile = "",
    year: Year = "",
    into: Into = ".",
    force: Force = False,
    dry_run: DryRun = False,
    diff: Diff = False,
    git: Git = False,
    verify: Verify = False,
    trust: Trust = False,
    list_templates: ListTemplates = False,
    list_features: ListFeatures = False,
) -> None:
    """Make a new library: code, tests, docs and CI that are green from the start.

    Examples:

    \b
      opsvi new-library ocean-data --feature tides --with retry,storage --git
      opsvi new-library opsvi-lyrics --kind plugin --part processor --verify
      opsvi new-library ocean-data -a author="Ana Novak" -a license=MIT --dry-run
    """
    app: AppContext = ctx.obj
    if list_templates or list_features:
        _list(app, templates=list_templates)
        return
    from opsvi_cli.render.scaffolding import show_created
    from opsvi_cli.scaffold.create import Options, create

    if not name:
        raise UsageError("missing argument 'NAME'", hint="opsvi new-library ocean-data")
    options = Options(
        name, _template(kind, template), into, tuple(feature or ()), _split(with_),
        given=_given(app, part, answers, answer or []), year=_year(year),
        dry_run=dry_run, diff=diff, force=force, git=git, trust=trust,
    )  # fmt: skip
    created = create(app, options)
    show_created(app, created, diff=diff)
    if verify and created.written:
        _verify(app, created.target)


def _list(app: AppContext, *, templates: bool) -> None:
    from opsvi_cli.render.output import show_rows
    from opsvi_cli.scaffold.catalog import FEATURE_FIELDS, TEMPLATE_FIELDS, feature_rows, template_rows

    if templates:
        show_rows(app, template_rows(app), TEMPLATE_FIELDS)
    else:
        show_rows(app, feature_rows(), FEATURE_FIELDS, columns=FEATURE_FIELDS[:3])


def _template(kind: str, template: str) -> str:
    if kind and template:
        raise UsageError("--kind names a template of opsvi, --template another", hint="leave one of them out")
    if kind not in ("", "library", "plugin"):
        raise UsageError(f"--kind: {kind!r} is none of library, plugin", hint="--kind library")
    return template or kind or "library"


def _split(values: list[str] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for value in values or () for word in value.split(",") if word.strip()))


def _year(text: str) -> str:
    if text and not (text.isascii() and text.isdigit() and len(text) == 4):
        raise UsageError(f"--year: {text!r} is not a year", hint="--year 2026")
    return text


def _given(app: AppContext, part: str, file: str, flags: list[str]) -> dict[str, Any]:
    """Answers by key; a flag wins over the file."""
    from opsvi_cli.scaffold.answers import read_answers, split_answer

    given = read_answers(app, file) if file else {}
    given.update(split_answer(text) for text in flags)
    return {**given, "part": part} if part else given


def _verify(app: AppContext, target: Path) -> None:
    """Run the checks and say how each ended. Raises OpsviError when one failed; the library stays."""
    from opsvi_cli.render.output import message
    from opsvi_cli.scaffold.verify import verify

    failed = []
    for step in verify(target, app.env):
        message(app, f"{step.name}: {'ok' if step.ok else 'failed'}")
        if not step.ok:
            failed.append(step.name)
            message(app, step.output)
    if failed:
        raise OpsviError(f"{target.name}: {', '.join(failed)} failed", hint=f"the library is in {target}")
