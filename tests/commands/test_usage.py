"""`opsvi usage`: sums, what is not known, and the page with plots."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from opsvi_cli.app import run
from opsvi_cli.context import AppContext
from opsvi_cli.foundation.usage import UsageRow
from opsvi_cli.render.usage import dollars

SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "golden" / "usage.schema.json").read_text())
Run = Callable[..., Any]
ROWS = (
    UsageRow("2026-03-01T10:00:00.000Z", "prompt", "openai", "gpt-5", 1000, 100, 1.0, cached_tokens=500, cost=0.02),
    UsageRow("2026-03-01T11:00:00.000Z", "chat", "openai", "gpt-5", 2000, 200, 3.0, cost=0.04, reasoning_tokens=50),
    UsageRow("2026-03-03T10:00:00.000Z", "query", "acme", "x<b>", 10, 20, 2.0, cost=None),
    UsageRow("2026-03-03T10:00:00.000Z", "query", "acme", "x<b>", None, None, 9.0, "rate", cost=0.0),
    UsageRow("2026-03-04T10:00:00.000Z", "query", "ollama", "q", 5, 5, 0.5, cost=0.0, estimated=True),
)


def fill(rows: Sequence[UsageRow], env: Mapping[str, str] = os.environ) -> None:
    app = AppContext(out=io.StringIO(), err=io.StringIO(), stdin=None, env=dict(env), cwd="/")
    for row in rows:
        app.foundation.usage.record(row)


@pytest.fixture
def used(opsvi: Run) -> Run:
    fill(ROWS)
    return opsvi


def report(run: Run, *args: str) -> Any:
    found = run("usage", *args, "--json").json
    jsonschema.validate(found, SCHEMA)
    return found


def test_sums(used: Run) -> None:
    found = report(used)
    assert [row["day"] for row in found["rows"]] == ["2026-03-01", "2026-03-03", "2026-03-04"]
    first, second, third = found["rows"]
    assert (first["calls"], first["input_tokens"], first["cached_tokens"], first["cost"]) == (2, 3000, 500, 0.06)
    assert (first["seconds_median"], first["seconds_p95"], first["reasoning_tokens"]) == (2.0, 3.0, 50)
    assert (second["calls"], second["failed"], second["cost"], second["unknown_cost"]) == (2, 1, 0.0, 1)
    assert third["estimated"] is True
    assert (found["total"]["calls"], found["total"]["cost"], found["since"]) == (5, 0.06, None)
    models = report(used, "--by", "model", "--since", "2026-03-02")
    assert [row["model"] for row in models["rows"]] == ["acme/x<b>", "ollama/q"]
    assert [row["command"] for row in report(used, "--by", "command")["rows"]] == ["chat", "prompt", "query"]
    assert {row["provider"] for row in report(used, "--by", "provider")["rows"]} == {"openai", "acme", "ollama"}


def test_what_people_see(used: Run) -> None:
    done = used("usage", "--by", "model")
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert lines[0][0] == "openai/gpt-5"
    assert lines[0][-1] == "$0.0600"
    assert lines[1][-1] == "$0 + 1 unknown"
    assert lines[-1][0] == "total"
    assert lines[-1][-1] == "~$0.0600 + 1 unknown"
    assert re.search(r"prices: genai-prices \S+, newest of 20\d\d-\d\d-\d\d", done.err)
    assert used("usage", "--by", "week").code == 2
    nothing = used("usage", "--since", "2100-01-01")
    assert (nothing.code, nothing.out) == (0, "")


def test_a_terminal_of_80_columns_shows_every_row_in_a_line(
    used: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def shown(*args: str, env: Mapping[str, str]) -> list[list[str]]:
        out = Terminal()
        run(("usage", *args), AppContext(out=out, err=io.StringIO(), stdin=None, env={**env, "NO_COLOR": "1"}))
        return [line.split() for line in out.getvalue().splitlines()]

    monkeypatch.setenv("COLUMNS", "80")
    found = shown("--by", "provider", "--since", "2026-03-02", env=os.environ)
    assert found[0] == ["provider", "calls", "failed", "input", "output", "median", "s", "cost"]
    assert [line[0] for line in found[2:]] == ["acme", "ollama", "total"]
    other = {**os.environ, "OPSVI_HOME": str(home / "other")}
    fill(ROWS[4:], other)
    assert shown(env=other)[0] == ["day", "calls", "input", "output", "median", "s", "cost"]


def test_unknown_is_never_zero(opsvi: Run) -> None:
    fill(ROWS[2:3])
    assert opsvi("usage").out.splitlines()[0].endswith("\tunknown")
    assert report(opsvi)["total"]["cost"] is None


def test_what_cannot_be_read_is_not_nothing(opsvi: Run, home: Path) -> None:
    (home / "state").mkdir(parents=True)
    (home / "state" / "state.db").write_bytes(b"x" * 5000)
    done = opsvi("usage")
    assert (done.code, done.out) == (1, "")
    assert "state.db is damaged" in done.err


def test_real_calls_are_counted(opsvi: Run) -> None:
    opsvi("prompt", "hello there", "-m", "echo")
    (row,) = report(opsvi, "--by", "command")["rows"]
    assert (row["command"], row["calls"], row["input_tokens"], row["cost"]) == ("prompt", 1, 2, 0)


def test_a_database_of_the_first_version_is_brought_up_to_date(opsvi: Run, home: Path) -> None:
    from opsvi_cli.foundation.db import connect
    from opsvi_cli.foundation.state import MIGRATIONS

    old = connect(home / "state" / "state.db", MIGRATIONS[:1])
    old.execute("INSERT INTO usage VALUES (1, '2026-01-01T00:00:00.000Z', 'prompt', 'openai', 'm', 7, 5, 1.0, 'ok')")
    old.close()
    (row,) = report(opsvi)["rows"]
    assert (row["calls"], row["cost"], row["unknown_cost"]) == (1, None, 1)


@pytest.mark.parametrize(
    ("cost", "text"),
    [(None, "unknown"), (0, "$0"), (1e-9, "<$0.00001"), (0.00012, "$0.00012"), (0.5, "$0.5000"), (1234.5, "$1,234.50")],
)
def test_dollars(cost: float | None, text: str) -> None:
    assert dollars(cost) == text


class Page(HTMLParser):
    """What a page holds, and whether its elements are closed in order."""

    VOID = frozenset({"meta"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_page(used: Run, tmp_path: Path) -> None:
    done = used("usage", "--html", "usage.html")
    assert (done.code, done.out) == (0, "")
    text = (tmp_path / "usage.html").read_text()
    page = Page(text)
    assert page.open == []
    names = [tag for tag, _ in page.tags]
    assert "script" not in names
    assert not any(name.startswith("on") or name in ("src", "href") for _, attrs in page.tags for name in attrs)
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy
    pictures = [attrs for tag, attrs in page.tags if tag == "svg"]
    assert len(pictures) == 4
    assert all(attrs.get("role") == "img" and attrs.get("aria-label") for attrs in pictures)
    assert "prefers-color-scheme: dark" in text
    assert "<b>" not in text
    assert "acme/x<b>" in page.words
    assert "$0.0600" in page.words
    days = [attrs for tag, attrs in page.tags if tag == "rect" and attrs.get("class") == "tokens"]
    assert [float(str(attrs["height"])) > 0 for attrs in days] == [True, False, True, True]
    assert "2026-03-02: no calls" in page.words


def test_a_page_without_calls(opsvi: Run, tmp_path: Path) -> None:
    assert opsvi("usage", "--html", "usage.html", "--json").json["total"]["calls"] == 0
    assert "No calls." in Page((tmp_path / "usage.html").read_text()).words


def test_the_page_shows_names_as_they_are_and_opens_what_is_printed(opsvi: Run, tmp_path: Path) -> None:
    fill([replace(ROWS[0], model="a\u202eevil"), replace(ROWS[0], outcome="cached", saved=1.0)])
    opsvi("usage", "--html", "usage.html")
    text = (tmp_path / "usage.html").read_text()
    assert "openai/aevil" in text
    assert "\u202e" not in text
    assert text.count("<details open>") == text.count("<details") == 3
    assert "+ 1 from the cache, saved $1.0000" in text


def test_a_plot_that_shows_a_part_of_the_days_says_so(used: Run, tmp_path: Path) -> None:
    used("usage", "--html", "usage.html")
    assert "the last" not in (tmp_path / "usage.html").read_text()
    fill([replace(ROWS[0], time="2025-03-01T10:00:00.000Z")])
    used("usage", "--html", "usage.html")
    words = Page((tmp_path / "usage.html").read_text()).words
    assert "Cost per day, the last 92 days" in words
    assert "2025-03-01" in words
