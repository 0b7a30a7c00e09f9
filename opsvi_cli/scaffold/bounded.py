"""Rendering what somebody else wrote: in a process of its own, with an end to its time and memory.

The sandbox keeps a template from reaching out; it cannot keep it from counting to a very large number.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .manifest import TemplateError
from .render import File, render

CPU_SECONDS = 20
MEMORY_BYTES = 1_000_000_000
_PROGRAM = "from opsvi_cli.scaffold.bounded import serve; serve()"


def render_bounded(folders: Sequence[Path], variables: Mapping[str, Any]) -> list[File]:
    """`render`, in a child that is ended when it takes too long or too much. Raises TemplateError."""
    request = json.dumps({"folders": [str(folder) for folder in folders], "variables": variables}).encode()
    root = str(Path(__file__).resolve().parents[2])
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": root, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            input=request,
            capture_output=True,
            env=environment,
            timeout=CPU_SECONDS * 3,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TemplateError("the template did not come to an end") from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise TemplateError(f"the template takes more than {CPU_SECONDS} s or {MEMORY_BYTES} bytes") from None
    if "error" in answer:
        raise TemplateError(str(answer["error"]))
    return [
        File(str(file["path"]), base64.b64decode(file["data"]), bool(file["executable"])) for file in answer["files"]
    ]


def serve() -> None:
    """The child: a request on stdin, files or an error on stdout."""
    request = json.load(sys.stdin)
    _limit()
    answer: dict[str, Any]
    try:
        files = render([Path(folder) for folder in request["folders"]], request["variables"])
    except TemplateError as error:
        answer = {"error": error.message}
    except MemoryError:
        answer = {"error": f"the template takes more than {MEMORY_BYTES} bytes of memory"}
    else:
        answer = {
            "files": [
                {"path": file.path, "data": base64.b64encode(file.data).decode(), "executable": file.executable}
                for file in files
            ]
        }
    sys.stdout.write(json.dumps(answer))


def _limit() -> None:
    if sys.platform == "win32":
        return
    import resource

    for kind, value in ((resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, MEMORY_BYTES)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
