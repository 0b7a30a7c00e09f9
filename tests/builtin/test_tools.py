"""The built-in tools: right answers, their bounds, and what they refuse."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
    (root / "lines").write_text("one\ntwo\nthree\n")
    (tmp_path / "secret").write_text("secret")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to(tmp_path)
    (root / "within").symlink_to(root / "docs")
    (root / ".env").write_text("KEY=1")
    return read_file(opsvi_services("read_file", root=str(root)))


def test_read_file(reading: Any) -> None:
    assert reading.call({"path": "docs/a.md"}) == "hello"
    assert reading.call({"path": "docs"}) == reading.call({"path": "./docs/"}) == "a.md"
    assert reading.call({"path": "."}).split() == ["binary", "docs/", "large", "lines"]
    assert reading.call({"path": "large"}).endswith("[cut here: the file is longer]")
    assert reading.call({"path": "lines", "from_line": 2}) == "two\nthree\n"
    with pytest.raises(UsageError, match="has 3 lines"):
        reading.call({"path": "lines", "from_line": 4})


def test_what_may_not_be_read_is_as_what_is_not_there(reading: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the error of the system, which names the whole path."""

    def refuse(path: Path, _flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UsageError, match="there is no 'large' below"):
        reading.call({"path": "large"})


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
    os.mkfifo(tmp_path / "root" / "pipe")
    with pytest.raises(UsageError, match="no regular file"):
        reading.call({"path": "pipe"})


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x", "http://127.0.0.1:9/", "http://169.254.169.254/latest", "http://[::1]/"]
)
def test_http_get_refuses(opsvi_services: Callable[..., Any], url: str) -> None:
    with pytest.raises(OpsviError):
        http_get(opsvi_services("http_get")).call({"url": url})


@pytest.mark.parametrize(
    ("charset", "text"),
    [("latin-1", "h\u00e9"), ("hex", "h\ufffd"), ("idna", "h\ufffd"), ("utf-99", "h\ufffd")],
)
def test_http_get_reads_what_names_no_character_set(
    opsvi_services: Callable[..., Any], charset: str, text: str, one_page: Callable[[str, bytes], str]
) -> None:
    services = opsvi_services("http_get")
    services.http = partial(services.http, allow_private=True)
    page = http_get(services)
    assert page.call({"url": one_page(f"text/plain; charset={charset}", b"h\xe9")})["text"] == text
    with pytest.raises(UsageError, match="is no text"):
        page.call({"url": one_page("text/plain", b"\x00\x01")})


@pytest.fixture
def one_page() -> Iterator[Callable[[str, bytes], str]]:
    """A server that answers with what it was last told to."""
    answer: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", answer[-1][0])
            self.end_headers()
            self.wfile.write(answer[-1][1])

        def log_message(self, format: str, *args: object) -> None:
            pass

    def serve(kind: str, body: bytes) -> str:
        answer.append((kind, body))
        return f"http://127.0.0.1:{server.server_port}/"

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield serve
        server.shutdown()


def test_contracts(opsvi_services: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    check_tool(calculator(opsvi_services("calculator")), {"expression": "1+1"})
    check_tool(date(opsvi_services("date")), {"day": "2024-01-01"})
    check_tool(read_file(opsvi_services("read_file", root=str(tmp_path))), {"path": "a.txt"})
