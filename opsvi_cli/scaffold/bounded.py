"""`render` for templates that somebody else wrote: in a process of its own, with an end to its time and memory."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from opsvi_cli.foundation.bounded import BoundError, Limits, call_bounded

from .manifest import TemplateError
from .render import File, render

LIMITS = Limits(seconds=60, cpu_seconds=20, memory_bytes=1_000_000_000, answer_bytes=400_000_000)


def render_bounded(folders: Sequence[Path], variables: Mapping[str, Any]) -> list[File]:
    """`render`, in a child that is ended when it takes too long or too much. Raises TemplateError."""
    request = {"folders": [str(folder) for folder in folders], "variables": dict(variables)}
    try:
        answer = call_bounded(f"{__name__}:serve", request, LIMITS)
    except BoundError as error:
        raise TemplateError(f"the template: {error}") from None
    if "error" in answer:
        raise TemplateError(str(answer["error"]))
    return [
        File(str(file["path"]), base64.b64decode(file["data"]), bool(file["executable"])) for file in answer["files"]
    ]


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """In the child: the files, or what is wrong with the template."""
    try:
        files = render([Path(folder) for folder in request["folders"]], request["variables"])
    except TemplateError as error:
        return {"error": error.message}
    return {
        "files": [
            {"path": file.path, "data": base64.b64encode(file.data).decode(), "executable": file.executable}
            for file in files
        ]
    }
