"""Work on what somebody else wrote: in a process of its own, with an end to its time and memory.

A sandbox keeps a template from reaching out; it cannot keep it from counting to a very large number.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_PROGRAM = "import sys; from opsvi_cli.foundation.bounded import serve; serve(sys.argv[1])"


class BoundError(Exception):
    """The work did not come to an end within its time and memory."""


def call_bounded(target: str, request: Any, *, seconds: int, memory: int) -> Any:
    """What the function `target` ("module:name") makes of `request`; both are JSON, and so is the answer.

    It runs in a child without the user's environment. Raises BoundError when it takes more than `seconds` of the
    processor or `memory` bytes, or breaks.
    """
    root = str(Path(__file__).resolve().parents[2])
    # What a Windows process needs to start at all, and where the packages are.
    kept = ("PATH", "SYSTEMROOT")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    environment |= {"PYTHONPATH": os.pathsep.join([root, *filter(None, sys.path)])}
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _PROGRAM, target],
            input=json.dumps([request, seconds, memory]).encode(),
            capture_output=True,
            env=environment,
            timeout=seconds * 3,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BoundError("it did not come to an end") from None
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise BoundError(f"it takes more than {seconds} s or {memory} bytes") from None


def serve(target: str) -> None:
    """The child: a request on stdin, the answer on stdout."""
    from importlib import import_module

    request, seconds, memory = json.load(sys.stdin)
    module, _, name = target.partition(":")
    work = getattr(import_module(module), name)
    _limit(seconds, memory)
    sys.stdout.write(json.dumps(work(request)))


def _limit(seconds: int, memory: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    for kind, value in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_AS, memory)):
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
