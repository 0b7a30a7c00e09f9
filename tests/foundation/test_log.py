"""The log: stderr, levels, JSON, redaction, and other libraries held back."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsvi_cli.foundation.log import open_log
from opsvi_cli.foundation.redact import Redactor
from opsvi_cli.foundation.schema import Log
from opsvi_cli.global_options import GlobalOptions


@pytest.fixture(autouse=True)
def _root_logger_restored() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)


def opened(settings: Log | None = None, **options: object) -> tuple[io.StringIO, logging.Logger]:
    err = io.StringIO()
    redactor = Redactor({})
    redactor.learn("canary-value")
    return err, open_log(err, settings or Log(), redactor, GlobalOptions(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "heard"),
    [
        ({}, {"error", "warning"}),
        ({"quiet": True}, {"error"}),
        ({"verbose": 1}, {"error", "warning", "info"}),
        ({"verbose": 2}, {"error", "warning", "info", "debug"}),
    ],
)
def test_levels(options: dict[str, object], heard: set[str]) -> None:
    err, log = opened(**options)
    for level in ("debug", "info", "warning", "error"):
        getattr(log.getChild("part"), level)("said at %s", level)
    assert {line.split(": ")[1] for line in err.getvalue().splitlines()} == heard


def test_the_setting_gives_the_level() -> None:
    err, log = opened(Log(level="debug"))
    log.debug("fine")
    assert err.getvalue() == "opsvi: debug: fine\n"


def test_every_json_line_parses() -> None:
    err, log = opened(Log(format="json"), verbose=2)
    log.warning("two\nlines with %s", "canary-value")
    try:
        raise ValueError("canary-value in an exception")
    except ValueError:
        log.exception("failed")
    lines = [json.loads(line) for line in err.getvalue().splitlines()]
    assert [line["level"] for line in lines] == ["warning", "error"]
    assert lines[0]["message"] == "two\nlines with [redacted]"
    assert lines[0]["time"].endswith("Z")
    assert "ValueError" in lines[1]["exception"]
    assert "canary" not in err.getvalue()


def test_human_lines_are_redacted_and_cannot_be_forged() -> None:
    err, log = opened()
    log.error("title: %s", "x\nopsvi: error: forged \x1b[2J canary-value")
    lines = err.getvalue().splitlines()
    assert lines[0] == "opsvi: error: title: x"
    assert lines[1].startswith("    ")
    assert "\x1b" not in err.getvalue()
    assert "canary" not in err.getvalue()


def test_a_library_cannot_add_its_own_handler(capsys: pytest.CaptureFixture[str]) -> None:
    err, _ = opened()
    logging.basicConfig(level=logging.DEBUG)
    logging.getLogger("somelibrary").warning("noise")
    assert err.getvalue() == ""
    assert capsys.readouterr().err == ""


def test_libraries_are_heard_at_v_redacted() -> None:
    err, _ = opened(verbose=1)
    logging.getLogger("somelibrary").warning("header canary-value")
    logging.getLogger("somelibrary").info("detail")
    assert err.getvalue() == "opsvi: warning: header [redacted]\n"


def test_python_warnings_go_to_the_log() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        err, _ = opened(verbose=1)
        warnings.warn("old way", UserWarning, stacklevel=1)
    assert "old way" in err.getvalue()


def test_the_file_is_private_and_has_the_same_lines(tmp_path: Path) -> None:
    target = tmp_path / "run.log"
    err, log = opened(Log(file=str(target)))
    log.warning("kept %s", "canary-value")
    assert "kept [redacted]" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o600
    assert "kept [redacted]" in err.getvalue()


def test_a_log_file_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    err, log = opened(Log(file=str(tmp_path / "no" / "dir" / "x.log")))
    log.error("still here")
    assert "cannot write the log" in err.getvalue()
    assert "still here" in err.getvalue()


def test_a_closed_stream_does_not_raise(capsys: pytest.CaptureFixture[str]) -> None:
    err, log = opened()
    err.close()
    log.error("nobody hears it")
    assert capsys.readouterr() == ("", "")
