"""`opsvi prompts`: the library of prompts, packaged and own."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError
from opsvi_cli.rag.prompt_options import PromptOptions
from opsvi_cli.render.prompt_view import View

from . import model_options as models
from . import prompt_options as asked

HELP = """Keep, check and run prompts as templates with variables.

Examples:

\b
  opsvi prompts list
  opsvi prompts show summarize
  git diff | opsvi prompt -t commit-message
"""
app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False, help=HELP)
Name = Annotated[str, typer.Argument(help="A template: opsvi prompts list, or a file", metavar="NAME")]


@app.command(name="list")
def list_prompts(ctx: typer.Context) -> None:
    """List the templates: your own, those of a trusted project, those that come with opsvi.

    Examples:

    \b
      opsvi prompts list
      opsvi prompts list --json=name,description
    """
    from opsvi_cli.llm.prompt_library import find_templates
    from opsvi_cli.render.prompt_library import show_list

    show_list(ctx.obj, find_templates(ctx.obj))


@app.command(name="show")
def show(
    ctx: typer.Context,
    name: Name,
    text: Annotated[str | None, typer.Argument(help="With -p: the text it is about")] = None,
    param: asked.Value = None,
) -> None:
    """Show a template: its source, or with -p or a text what a model would be sent.

    Examples:

    \b
      opsvi prompts show translate
      opsvi prompts show translate "Good morning" -p language=Greek
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.prompt_library import find_template
    from opsvi_cli.rag.prompt_request import build_request
    from opsvi_cli.render.prompt_library import show_template
    from opsvi_cli.render.prompts import show_dry_run

    if param is None and text is None:
        show_template(app, find_template(app, name).load())
    else:
        show_dry_run(app, build_request(app, PromptOptions(text, template=name, values=param or ())))


@app.command(name="new")
def new(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="Name of your new template", metavar="NAME")]
) -> None:
    """Make a template of your own: from what is piped in, else one with comments, opened in $EDITOR on a terminal.

    Names in {{ }} of a piped text without front matter become variables.

    Examples:

    \b
      opsvi prompts new haiku
      echo 'Write a haiku about {{ input }}' | opsvi prompts new haiku
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.editor import run_editor
    from opsvi_cli.llm.prompt_library import FRESH, Found, problems_of, save_template, template_text
    from opsvi_cli.render.prompt_library import show_saved

    text = app.read_stdin() or ""
    if text.strip() and not text.lstrip("\ufeff").startswith("---"):
        text = template_text(text)
    path = save_template(app, name, text if text.strip() else FRESH)
    if app.may_ask:
        run_editor(app, path)
    show_saved(app, Found(name, "own", path), problems_of(app, Found(name, "own", path)))


@app.command(name="check")
def check(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Templates or files; all of them when left out")
    ] = None,
) -> None:
    """Check templates: form, syntax, undeclared and unused variables, schemas, models. Exit 1 when one is wrong.

    Examples:

    \b
      opsvi prompts check
      opsvi prompts check prompts/*.md --json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.prompt_library import find_template, find_templates, problems_of
    from opsvi_cli.render.prompt_library import show_checks

    found = [find_template(app, name) for name in names] if names else find_templates(app)
    results = [(item, problems_of(app, item)) for item in found]
    show_checks(app, results)
    if wrong := [item.name for item, problems in results if problems]:
        listed = ", ".join(wrong[:5]) + (", ..." if len(wrong) > 5 else "")
        raise OpsviError(f"{len(wrong)} of {len(results)} templates cannot be used as they are: {listed}")


@app.command(name="run")
def run(
    ctx: typer.Context,
    name: Name,
    text: Annotated[str | None, typer.Argument(help="The text it is about; piped text and files too")] = None,
    param: asked.Value = None,
    model: models.Model = None,
    base_url: models.BaseUrl = None,
    file: asked.File = None,
    attach: asked.Attach = None,
    system: asked.System = None,
    schema: asked.Schema = None,
    schema_retries: asked.SchemaRetries = 1,
    tool: asked.Tool = None,
    extract: asked.Extract = False,
    samples: asked.Samples = 1,
    jobs: asked.Jobs = 1,
    usage: asked.ShowUsage = False,
    dry_run: asked.DryRun = False,
    temperature: models.Temperature = None,
    max_tokens: models.MaxTokens = None,
    stream: models.Stream = True,
    fallback: models.Fallback = None,
    retries: models.Retries = None,
    cache: models.Cache = None,
    max_cost: models.MaxCost = None,
    log: models.Log = None,
    pii: models.Pii = None,
    markdown: models.Markdown = None,
) -> None:
    """Ask what a template asks, all its steps in order; the same as `opsvi prompt -t NAME`.

    Examples:

    \b
      opsvi prompts run summarize -p sentences=3 -f report.pdf -m openai/gpt-5-mini
      git diff | opsvi prompts run commit-message -m ollama/qwen3
    """
    app: AppContext = ctx.obj
    models.set_model_flags(
        app,
        fallback=fallback,
        retries=retries,
        cache=cache,
        max_cost=max_cost,
        log=log,
        pii=pii,
        markdown=markdown,
    )
    options = PromptOptions(text, file or (), attach or (), system, schema, name, param or (), schema_retries)
    options = options.of_model(model, base_url, temperature, max_tokens, stream=stream)
    asked.check_samples(app, samples, cache)
    asked.show(app, options, tool or [], View(extract, samples, usage, jobs), dry_run=dry_run)


@app.command(name="rm")
def remove(ctx: typer.Context, name: Name) -> None:
    """Remove a template of your own.

    Examples:

    \b
      opsvi prompts rm haiku --yes
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.prompt_library import remove_template
    from opsvi_cli.render.output import message

    message(app, f"removed {remove_template(app, name)}")


@app.command(name="path")
def path(
    ctx: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="A template; left out: the folder of your own", metavar="NAME")
    ] = None,
) -> None:
    """Print where your own templates are, or the file of one.

    Examples:

    \b
      opsvi prompts path
      $EDITOR "$(opsvi prompts path haiku)"
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.prompt_library import find_template, own_folder
    from opsvi_cli.render.output import show_record

    found = str(find_template(app, name).path if name else own_folder(app))
    record: dict[str, Any] = {"path": found}
    show_record(app, record, lambda: found, fields=("path",))
