"""Real child processes: what they import, what they leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_RECORD = """
import os, sys
sys.argv[0] = "opsvi"
from opsvi_cli.__main__ import main
try:
    main()
finally:
    sys.stdout.flush()
    with open(os.environ["MODULES_FILE"], "w") as file:
        file.write("\\n".join(sys.modules))
"""


@pytest.fixture
def modules_of(home: Path, tmp_path: Path) -> Callable[..., set[str]]:
    """Top-level names of all modules that a run of opsvi has imported when it ends."""

    def call(*args: object, stdin: str = "", code: int | None = 0) -> set[str]:
        record = tmp_path / "modules.txt"
        done = subprocess.run(
            [sys.executable, "-c", _RECORD, *(str(arg) for arg in args)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "MODULES_FILE": str(record)},
            timeout=100,
            check=False,
        )
        assert code is None or done.returncode == code, done.stderr
        return {name.split(".")[0] for name in record.read_text().splitlines()}

    return call
