"""`opsvi prompt`: call a model alone."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.rag.prompt_options import PromptOptions
from opsvi_cli.render.prompt_view import View

from . import model_options as models
from . import prompt_options as asked

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)


@app.command(name="prompt")
def prompt(
    ctx: typer.Context,
    text: Annotated[str | None, typer.Argument(help="What to ask; piped text is context")] = None,
    model: models.Model = None,
    base_url: models.BaseUrl = None,
    file: asked.File = None,
    attach: asked.Attach = None,
    system: asked.System = None,
    template: asked.Template = None,
    param: asked.Value = None,
    save: asked.Save = None,
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
    """Call a model alone. The question is the text, then what is piped in, then the files, each fenced as data.

    Examples:

    \b
      opsvi prompt "Name three uses of a paper clip" -m openai/gpt-5-mini
      git diff | opsvi prompt -t commit-message
      opsvi prompt "Which dates are named?" -f 'minutes/*.pdf' --schema '[what, when date]' --json
    """
    context: AppContext = ctx.obj
    models.set_model_flags(
        context,
        fallback=fallback,
        retries=retries,
        cache=cache,
        max_cost=max_cost,
        log=log,
        pii=pii,
        markdown=markdown,
    )
    options = PromptOptions(text, file or (), attach or (), system, schema, template, param or (), schema_retries)
    options = options.of_model(model, base_url, temperature, max_tokens, stream=stream)
    if save is not None:
        asked.save(context, save, options, dry_run=dry_run)
        return
    asked.check_samples(context, samples, cache)
    asked.show(context, options, tool or [], View(extract, samples, usage, jobs), dry_run=dry_run)
