"""Counts of tokens as people see them."""

from __future__ import annotations

from dataclasses import fields

from opsvi_cli.context import AppContext
from opsvi_cli.llm.token_report import TokenReport

from .output import message, show_record
from .usage import dollars


def show_tokens(app: AppContext, report: TokenReport) -> None:
    """The count, and per text when there are several; an estimate begins with ~."""
    show_record(app, report.record(), lambda: _lines(report), fields=[item.name for item in fields(report)])
    if not app.options.machine and report.prices:
        message(app, f"prices: {report.prices['table']}, newest of {report.prices['date']}")


def _lines(report: TokenReport) -> str:
    lines = []
    if len(report.texts) > 1:
        lines = [f"{_count(text.tokens, text.exact)}\t{text.source}" for text in report.texts]
    parts = [f"{_count(report.tokens, report.exact)} tokens"]
    if report.context_window is not None and report.share is not None:
        parts.append(f"{report.share:.1%} of the {report.context_window} that {report.model} reads")
    if report.model is not None:
        about = "" if report.exact or not report.cost else "~"
        parts.append(f"input costs {about}{dollars(report.cost)}" if report.cost is not None else "cost unknown")
    return "\n".join([*lines, ", ".join(parts)]) + "\n"


def _count(tokens: int, exact: bool) -> str:
    return f"{'' if exact else '~'}{tokens}"
