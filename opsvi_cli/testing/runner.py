"""Running opsvi inside the test: arguments in, exit code and texts out."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """What a run gave: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as one JSON document."""
        return json.loads(self.out)

    @property
    def jsonl(self) -> list[Any]:
        """Stdout as one JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class _Stream(io.StringIO):
    """A text stream that may say it is a terminal."""

    def __init__(self, text: str = "", *, tty: bool = False) -> None:
        super().__init__(text)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


def run_opsvi(
    *args: object, cwd: Path | str, stdin: str | bytes | None = None, env: Mapping[str, str] | None = None
) -> Result:
    """Run opsvi in this process with these arguments; `env` is added to the variables of the process.

    Without `stdin` it is a terminal, at which nobody answers. Raises nothing that opsvi reports.
    """
    from opsvi_cli.app import run
    from opsvi_cli.context import AppContext

    out, err = _Stream(), _Stream()
    source: Any = _Stream(stdin or "", tty=stdin is None) if not isinstance(stdin, bytes) else None
    if isinstance(stdin, bytes):
        source = io.TextIOWrapper(io.BytesIO(stdin))
    app = AppContext(out=out, err=err, stdin=source, env={**os.environ, **(env or {})}, cwd=str(cwd))
    code = run([str(arg) for arg in args], app)
    return Result(int(code), out.getvalue(), err.getvalue())
