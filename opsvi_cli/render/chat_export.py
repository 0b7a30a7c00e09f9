"""A session as text for a file or standard output."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from opsvi_cli.context import AppContext
from opsvi_cli.errors import OpsviError
from opsvi_cli.foundation.files import write_atomic

from .output import dump, message

Form = Literal["md", "json"]


def as_text(record: Mapping[str, Any], form: Form) -> str:
    """The record of a session as JSON or Markdown."""
    if form == "json":
        return dump(record, indent=2) + "\n"
    from opsvi_cli.llm.session_export import to_markdown

    return to_markdown(record)


def write_export(app: AppContext, path: Path, text: str) -> None:
    """Write the file, for the user's eyes only, and say so. Raises OpsviError."""
    try:
        write_atomic(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise OpsviError(f"{path}: {error.strerror or error}", hint="name a file that can be written") from error
    message(app, f"written: {path}")
