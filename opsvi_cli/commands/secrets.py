"""`opsvi secrets`: store keys encrypted, list their names, and test references to them."""

from __future__ import annotations

from typing import Annotated

import typer

from opsvi_cli.context import AppContext

HELP = """Store and remove keys; they are kept encrypted and never shown unasked.

Examples:

\b
  opsvi secrets set openai
  opsvi secrets list
"""
app = typer.Typer(
    help=HELP,
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=False,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the key; a provider's own key has its name")]
LIST_FIELDS = ("name", "created", "updated")


@app.command("set")
def set_secret(ctx: typer.Context, name: NameArgument) -> None:
    """Store a key under a name; the key is read from stdin, or asked for without showing it.

    Examples:

    \b
      opsvi secrets set openai < key.txt
      opsvi config set providers.openai.api_key age:openai
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.secret_input import read_secret
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.render.output import message

    tolerant_settings(app)
    app.foundation.secrets.store(name, read_secret(app, name), app.now())
    message(app, f"stored {name}; settings name it as age:{name}")


@app.command("get")
def get(
    ctx: typer.Context,
    name: NameArgument,
    reveal: Annotated[bool, typer.Option("--reveal", help="Yes, print the key itself")] = False,
) -> None:
    """Print a stored key; only with --reveal.

    Examples:

    \b
      opsvi secrets get openai --reveal
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.secret_input import refuse_to_reveal
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.render.output import show_record

    tolerant_settings(app)
    if not reveal:
        refuse_to_reveal(name)
    value = app.foundation.secrets.reveal(name)
    show_record(app, {"name": name, "value": value}, lambda: value)


@app.command("list")
def list_secrets(ctx: typer.Context) -> None:
    """List the names of the stored keys, and when they were stored.

    Examples:

    \b
      opsvi secrets list
      opsvi secrets list --json | jq -r '.[].name'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.render.output import show_rows

    tolerant_settings(app)
    rows = [stored._asdict() for stored in app.foundation.secrets.names()]
    show_rows(app, rows, LIST_FIELDS, empty="No key is stored. `opsvi secrets set NAME` stores one.")


@app.command("rm")
def remove(ctx: typer.Context, name: NameArgument) -> None:
    """Forget a stored key.

    Examples:

    \b
      opsvi secrets rm openai --yes
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.render.output import message

    tolerant_settings(app)
    secrets = app.foundation.secrets
    secrets.require(name)
    app.confirm(f"Forget the key stored as {name!r}?")
    secrets.remove(name)
    message(app, f"removed {name}")


@app.command("path")
def path(ctx: typer.Context) -> None:
    """Print the path of the encrypted file of keys, whether it is there or not.

    Examples:

    \b
      opsvi secrets path
    """
    app: AppContext = ctx.obj
    from opsvi_cli.render.output import show_record

    file = app.paths.secrets_file
    show_record(
        app, {"path": str(file), "identity": str(app.paths.identity_file), "exists": file.exists()}, lambda: str(file)
    )


@app.command("test")
def test(
    ctx: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="REF", help="env:NAME, file:PATH, cmd:COMMAND or a stored name")],
) -> None:
    """Try whether a reference gives a key, without showing it; exit 4 when it does not.

    Examples:

    \b
      opsvi secrets test env:OPENAI_API_KEY
      opsvi secrets test "cmd:pass show openai"
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.settings import tolerant_settings
    from opsvi_cli.render.output import show_record

    tolerant_settings(app)
    app.foundation.secrets.resolve(reference)
    shown = app.redactor.redact(reference)
    show_record(app, {"reference": shown, "ok": True}, lambda: f"{shown} gives a key")
