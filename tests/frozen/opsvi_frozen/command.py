"""A command."""

import typer

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(name="frozen-say")
def say(ctx: typer.Context, word: str) -> None:
    """Say a word."""
    ctx.obj.out.write(f"{word}, {ctx.obj.command}\n")
