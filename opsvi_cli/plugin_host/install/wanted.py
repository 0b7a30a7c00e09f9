"""What `opsvi plugins restore` is to bring back: what is recorded, or the lines of a requirements file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, UsageError

from .asked import Asked, read_asked
from .record import missing, parse_requirements, read_record

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

Wanted = list[tuple[Asked, bool]]
"""Each with: isolated or not."""


def read_all(app: AppContext, texts: Sequence[str], *, isolated: bool) -> Wanted:
    """The arguments of `install`. Raises UsageError for one that is not understood."""
    return [(read_asked(text, app.cwd), isolated) for text in texts]


def to_restore(app: AppContext, file: str | None) -> tuple[Wanted, list[OpsviError]]:
    """What is recorded and gone, or all that `file` (`-`: stdin) names; and why some of it cannot be tried.

    Raises OpsviError for a file or record that cannot be read.
    """
    if file is None:
        read_record(app.paths)  # a damaged one is an error here
        lines = [(each.requirement, each.isolated) for each in missing(app.paths)]
    else:
        lines = parse_requirements(_text(app, file))
    wanted: Wanted = []
    failed: list[OpsviError] = []
    for requirement, isolated in lines:
        try:
            wanted.append((read_asked(requirement, app.cwd), isolated))
        except OpsviError as error:
            failed.append(error)
    return wanted, failed


def _text(app: AppContext, file: str) -> str:
    if file == "-":
        text = app.read_stdin()
        if text is None:
            raise UsageError("nothing to read: stdin is a terminal", hint="opsvi plugins restore FILE")
        return text
    try:
        return Path(app.cwd, file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"{file} cannot be read: {reason}", hint="opsvi plugins freeze > FILE writes one") from None
