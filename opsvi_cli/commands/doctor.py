"""`opsvi doctor`: find what is wrong and say what mends it."""

from __future__ import annotations

from dataclasses import asdict

import typer

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)

FIELDS = ("name", "status", "detail", "hint")


@app.command(name="doctor")
def doctor(ctx: typer.Context) -> None:
    """Check settings, keys, files, plugins and collections; exit 1 when something is wrong.

    Examples:

    \b
      opsvi doctor
      opsvi doctor --json | jq '.[] | select(.status != "ok")'
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.health import run_checks
    from opsvi_cli.render.output import show_rows

    checks = run_checks(app)
    show_rows(app, app.redactor.redact_data([asdict(check) for check in checks]), FIELDS)
    wrong = [check.name for check in checks if check.status == "error"]
    if wrong:
        raise OpsviError(f"wrong: {', '.join(dict.fromkeys(wrong))}", hint="each line above says what mends it")
