"""`opsvi prompt`: call a model alone."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)


@app.command(name="prompt")
def prompt(
    ctx: typer.Context,
    text: Annotated[str | None, typer.Argument(help="What to ask; piped text is context")] = None,
    model: Annotated[str | None, typer.Option("-m", "--model", help="provider/model, e.g. openai/gpt-5-mini")] = None,
    base_url: Annotated[str | None, typer.Option("--base-url", help="An OpenAI-compatible server")] = None,
    system: Annotated[str | None, typer.Option("--system", help="Instructions for the model")] = None,
    schema: Annotated[str | None, typer.Option("--schema", help="JSON Schema the answer follows: file or JSON")] = None,
    attach: Annotated[list[str] | None, typer.Option("-a", "--attach", help="Image or text file; repeatable")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", min=0.0, max=2.0, help="0: sober")] = None,
    max_tokens: Annotated[int | None, typer.Option("--max-tokens", min=1, help="Longest answer")] = None,
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Show the answer as it comes")] = True,
) -> None:
    """Call a model alone; piped text is context.

    Examples:

    \b
      opsvi prompt "Name three uses of a paper clip" -m openai/gpt-5-mini
      git diff | opsvi prompt "Write a commit message for this change"
      opsvi prompt "2+2" --schema '{"type":"object","required":["sum"]}' --json
    """
    app: AppContext = ctx.obj
    from opsvi_cli.llm.ask import PromptOptions, ask
    from opsvi_cli.render.answers import TextWriter
    from opsvi_cli.render.output import message, pick, show_record

    fields = ("answer", "model", "usage", "finish")
    pick(app, dict.fromkeys(fields), fields)
    options = PromptOptions(
        text=text,
        context=app.read_stdin(),
        model=model,
        base_url=base_url,
        system=system,
        schema=schema,
        attach=tuple(attach or ()),
        temperature=temperature,
        max_tokens=max_tokens,
        stream=stream,
    )
    write = TextWriter(app)
    try:
        result = ask(app, options, on_text=(lambda _: None) if app.options.machine else write)
    finally:
        write.end_line()
    if app.options.machine:
        show_record(app, result.record(), str, fields=fields)
    if result.note:
        message(app, result.note)
