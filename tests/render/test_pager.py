"""Text through a pager: made safe like any other, and the keys are the pager's while it runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from terminal_screen import Screen

from opsvi_cli.context import AppContext
from opsvi_cli.render.pager import page

LONG = "\x1b]52;c;AAAA\x07\x1b[31mline\x1b[0m \ud800 ü\n" * 400


@pytest.fixture
def shown(home: Path, tmp_path: Path) -> Path:
    """Where the pager of the tests writes what it was given."""
    return tmp_path / "shown"


def app_with(pager: str) -> AppContext:
    return AppContext(out=Screen(), err=Screen(), stdin=None, env={**os.environ, "PAGER": pager, "OPSVI_PAGER": ""})


def test_no_escape_sequence_reaches_a_pager(shown: Path) -> None:
    page(app_with(f"sh -c 'cat >{shown}'"), LONG)
    assert shown.read_text() == "line  ü\n" * 400


def test_ctrl_c_is_for_the_pager(shown: Path) -> None:
    try:
        page(app_with(f"sh -c 'kill -INT $PPID; cat >{shown}'"), LONG)
    except KeyboardInterrupt:
        pytest.fail("opsvi left before its pager")
    assert shown.exists()


def test_a_pager_that_is_not_there_is_said(home: Path) -> None:
    app = app_with("no-such-pager-anywhere")
    page(app, LONG)
    assert isinstance(app.out, Screen)
    assert isinstance(app.err, Screen)
    assert "does not start" in app.err.text
    assert app.out.text.count("line") == 400
