"""`opsvi usage`: what models were used for, and what it cost."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from opsvi_cli.context import AppContext

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=False)


@app.command(name="usage")
def usage(
    ctx: typer.Context,
    by: Annotated[
        Literal["day", "model", "command", "provider"], typer.Option("--by", help="What a line is about")
    ] = "day",
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Not older than: 7d, 12h, 2026-01-31")
    ] = None,
    html: Annotated[str | None, typer.Option("--html", metavar="FILE", help="Write a page with plots")] = None,
) -> None:
    """Show what models were used for: calls, tokens, time and cost.

    Costs are in US dollars, by your own prices (providers.NAME.prices) or the price table that opsvi brings, whose date
    is shown. A model without a known price is `unknown`, never 0.

    Examples:

    \b
      opsvi usage
      opsvi usage --by model --since 30d
      opsvi usage --html usage.html
    """
    app: AppContext = ctx.obj
    from opsvi_cli.foundation.moments import parse_moment
    from opsvi_cli.llm.usage_report import usage_report
    from opsvi_cli.render.usage import show_report

    from_then = parse_moment(since, "--since") if since else ""
    if html is not None:
        from opsvi_cli.render.usage_page import write_page

        write_page(app, html, from_then)
        if not app.options.machine:
            return
    show_report(app, usage_report(app, by, from_then))
