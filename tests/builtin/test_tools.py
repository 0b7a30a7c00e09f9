"""The built-in tools: right answers, their bounds, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.builtin.tools.calculator import calculator
from opsvi_cli.builtin.tools.dates import date
from opsvi_cli.builtin.tools.files import read_file
from opsvi_cli.builtin.tools.web import http_get
from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.testing import check_tool


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("2 + 3 * 4", 14),
        ("-(2 ** 10) // 3", -342),
        ("10 % 4 + 1.5", 3.5),
        ("2 ** 200", 2**200),
        ("sqrt(16) + max(1, 2, 3)", 7.0),
        ("round(pi, 4)", round(math.pi, 4)),
        ("round(2.6)", 3),
    ],
)
def test_calculator(expression: str, value: float) -> None:
    assert calculator.function(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "9 ** 9 ** 9",
        "(10 ** 30000) * (10 ** 30000)",
        "1 / 0",
        "__import__('os').system('id')",
        "(1).__class__",
        "'a' * 10 ** 9",
        "[1] * 3",
        "x + 1",
        "(-8) ** 0.5",
        "1e308 * 10",
        "(" * 400 + "1" + ")" * 400,
        "+".join("1" for _ in range(600)),
        "round(1, -100000000)",
        "round(7, 10 ** 9)",
        "lambda: 1",
        "",
    ],
)
def test_calculator_refuses(expression: str) -> None:
    with pytest.raises(UsageError):
        calculator.function(expression)


def test_date_counts_days() -> None:
    assert date.function(day="2024-02-28", add_days=2, until="2024-12-31") == {
        "date": "2024-03-01",
        "weekday": "Friday",
        "week": "2024-W09",
        "days_until": 305,
    }
    assert "time" in date.function(zone="Asia/Tokyo")


@pytest.mark.parametrize(
    "arguments", [{"zone": "Mars/Base"}, {"day": "soon"}, {"add_days": 10**9}, {"until": "13"}, {"zone": "../x"}]
)
def test_date_refuses(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        date.function(**arguments)


@pytest.fixture
def reading(opsvi_services: Callable[..., Any], tmp_path: Path) -> Any:
    root = tmp_path / "root"
    (root / "docs").mkdir(parents=True)
    (root / "docs" / "a.md").write_text("hello")
    (root / "binary").write_bytes(b"a\0b")
    (root / "large").write_text("x" * 300_000)
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to(tmp_path)
    (root / "within").symlink_to(root / "docs")
    (root / ".env").write_text("KEY=1")
    return read_file(opsvi_services("read_file", root=str(root)))


def test_read_file(reading: Any) -> None:
    assert reading.call({"path": "docs/a.md"}) == "hello"
    assert reading.call({"path": "docs"}) == reading.call({"path": "./docs/"}) == "a.md"
    assert reading.call({"path": "."}).split() == ["binary", "docs/", "large", "link", "up/", "within/"]
    assert reading.call({"path": "large"}).endswith("[cut here: the file is longer]")


@pytest.mark.parametrize(
    "path",
    [
        *("../secret", "/etc/passwd", "link", "up/secret", "binary", "nowhere", "a\0b", "docs/../../secret", "~/x"),
        *("docs/../docs/a.md", "within/a.md", ".env", "docs/../.env"),
    ],
)
def test_read_file_refuses(reading: Any, path: str) -> None:
    with pytest.raises(UsageError):
        reading.call({"path": path})


def test_read_file_does_not_wait_for_a_pipe(reading: Any, tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "root" / "pipe")
    with pytest.raises(UsageError, match="no regular file"):
        reading.call({"path": "pipe"})


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x", "http://127.0.0.1:9/", "http://169.254.169.254/latest", "http://[::1]/"]
)
def test_http_get_refuses(opsvi_services: Callable[..., Any], url: str) -> None:
    with pytest.raises(OpsviError):
        http_get(opsvi_services("http_get")).call({"url": url})


def test_contracts(opsvi_services: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    check_tool(calculator(opsvi_services("calculator")), {"expression": "1+1"})
    check_tool(date(opsvi_services("date")), {"day": "2024-01-01"})
    check_tool(read_file(opsvi_services("read_file", root=str(tmp_path))), {"path": "a.txt"})
