"""The committed manual page is what the program prints, and a manual reader accepts it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "opsvi.1"


def test_the_page_is_up_to_date(opsvi: Callable[..., Any]) -> None:
    assert opsvi("man").out == PAGE.read_text(encoding="utf-8"), "run `make generate`"


@pytest.mark.skipif(shutil.which("man") is None, reason="man is not installed")
def test_man_reads_it() -> None:
    done = subprocess.run(
        ["man", "--warnings", "-l", str(PAGE)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert "opsvi - search, ask and script" in done.stdout
