"""A session as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .output import dump

Form = Literal["md", "json"]


def as_text(record: Mapping[str, Any], form: Form) -> str:
    """The record of a session as JSON or Markdown."""
    if form == "json":
        return dump(record, indent=2) + "\n"
    from opsvi_cli.llm.session_export import to_markdown

    return to_markdown(record)
