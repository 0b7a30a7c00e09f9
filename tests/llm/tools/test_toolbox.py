"""Calls of tools: arguments, permissions, limits, the loop, and the record of it all."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import DeadlineError, StoreError, UsageError
from opsvi_cli.foundation.schema import Tools
from opsvi_cli.llm.tools.audit import audit_file, entries
from opsvi_cli.llm.tools.permissions import decide
from opsvi_cli.rag.tools import open_toolbox
from opsvi_cli.sdk import ToolCall, ToolResult

PLUGIN = """
import time
from opsvi_cli.sdk import hookimpl, tool
OPSVI_API = "1.0"
calls = []

@tool(side_effects=True)
def buy(item: str, count: int = 1) -> str:
    "Buys things."
    calls.append(item)
    return f"bought {count} {item}"

@tool(side_effects=False)
def hang() -> str:
    "Never ends."
    time.sleep(30)

@tool(side_effects=False)
def crash() -> str:
    "Raises."
    raise RuntimeError("it fell over")

@tool(side_effects=False)
def talk() -> str:
    "Says a lot."
    return "word " * 10_000

@hookimpl
def opsvi_register(registry):
    for name in ("buy", "hang", "crash", "talk"):
        registry.tool(name, f"shop:{name}", help=name)
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "shop.py").write_text(textwrap.dedent(PLUGIN))
    monkeypatch.syspath_prepend(str(tmp_path / "plugins"))
    opened: list[Any] = []

    def make(*names: str, answers: str | None = None, timeout: float | None = None, **settings: Any) -> Any:
        env = {**os.environ, "OPSVI_PLUGINS": "shop"}
        stdin = None if answers is None else Terminal(answers)
        err = io.StringIO() if answers is None else Terminal()
        app = AppContext(out=io.StringIO(), err=err, stdin=stdin, env=env, cwd=str(tmp_path))
        app.options = app.options.__class__(timeout=timeout)
        for name, value in {"tools.allow": ["*"], **{f"tools.{n}": v for n, v in settings.items()}}.items():
            app.set_flag(name, value)
        box = open_toolbox(app, names, lambda call, result: seen.append((call.name, result.text)))
        opened.append(box)
        return box, app

    seen: list[tuple[str, str]] = []
    make.seen = seen  # type: ignore[attr-defined]
    yield make
    for box in opened:
        box.close()
    sys.modules.pop("shop", None)


def call(box: Any, name: str, arguments: str = "{}") -> ToolResult:
    result: ToolResult = box.run(ToolCall("1", name, arguments))
    return result


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("{", "not JSON"),
        ("[1]", "must be a JSON object"),
        ("{}", "'item' is a required property"),
        ('{"item": 3}', "item: 3 is not of type 'string'"),
        ('{"item": "x", "price": 1}', "price"),
    ],
)
def test_wrong_arguments_go_back_to_the_model(shop: Any, arguments: str, says: str) -> None:
    box, _ = shop("buy")
    result = call(box, "buy", arguments)
    assert result.is_error
    assert says in result.text


def test_a_tool_that_nobody_gave(shop: Any) -> None:
    box, _ = shop("buy")
    assert "there is no tool 'rm'; there are: buy" in call(box, "rm").text


def test_exceptions_and_hanging_are_results(shop: Any) -> None:
    box, _ = shop("crash")
    assert call(box, "crash").text == "error: RuntimeError: it fell over"
    quick, _ = shop("hang")
    quick._app.set_flag("tools.timeout", 0.2)
    assert call(quick, "hang").text == "error: it took longer than 0.2 s (tools.timeout)"


def test_the_end_of_the_run_ends_a_tool(shop: Any) -> None:
    box, _ = shop("hang", timeout=0.3)
    with pytest.raises(DeadlineError):
        call(box, "hang")


def test_a_long_result_is_cut_and_says_so(shop: Any) -> None:
    box, _ = shop("talk", max_output=100)
    text = call(box, "talk").text
    assert text.endswith("[cut: 50000 characters, tools.max_output]")
    assert len(text) < 200


def test_a_person_decides(shop: Any) -> None:
    box, app = shop("buy", answers="y\nn\n", allow=[])
    assert call(box, "buy", '{"item": "tea\\u001b[31m"}').text == "bought 1 tea\x1b[31m"
    assert call(box, "buy", '{"item": "gold"}').text == "error: the user does not allow buy: the user said no"
    asked = app.err.getvalue()
    assert '"item": "gold"' in asked
    assert "\x1b" not in asked
    assert asked.endswith("Call buy? [y]es, [N]o: ")
    assert call(box, "buy", '{"item": "gold"}').is_error  # nothing more is typed: Ctrl-D
    assert app.err.getvalue().endswith("[N]o: \n")


def test_always_holds_for_the_run_but_never_for_tainted_context(shop: Any) -> None:
    box, app = shop("buy", "talk", answers="a\n\n", allow=["talk"])
    assert not call(box, "buy", '{"item": "tea"}').is_error
    box.tainted = False
    assert not call(box, "buy", '{"item": "milk"}').is_error
    assert not call(box, "talk").is_error
    assert box.tainted
    assert call(box, "buy", '{"item": "gold"}').is_error
    assert "[a]lways" not in app.err.getvalue().rpartition("The model wants")[2]


@pytest.mark.parametrize(
    ("settings", "side_effects", "builtin", "tainted", "verdict"),
    [
        (Tools(), False, True, True, "allow"),
        (Tools(), True, True, False, "ask"),
        (Tools(), False, False, False, "ask"),
        (Tools(allow=["g*"]), True, False, False, "allow"),
        (Tools(allow=["*"]), True, False, True, "ask"),
        (Tools(allow=["*"], ask=["get"]), False, True, False, "ask"),
        (Tools(allow=["get"], ask=["get"], deny=["g?t"]), False, True, False, "deny"),
    ],
)
def test_permissions(settings: Tools, side_effects: bool, builtin: bool, tainted: bool, verdict: str) -> None:
    found = decide("get", settings, side_effects=side_effects, builtin=builtin, tainted=tainted)
    assert found.verdict == verdict
    assert found.reason


def test_the_record_is_private_chained_and_redacted(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    box, app = shop("buy")
    app.redactor.learn("tok-very-secret-1")
    call(box, "buy", '{"item": "tok-very-secret-1"}')
    path = audit_file(app)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "tok-very-secret-1" not in path.read_text()
    found = list(entries(path))
    assert [entry["event"] for _, entry in found if entry] == ["call", "result"]
    lines = path.read_text().splitlines()
    for changed in (
        [lines[0].replace("buy", "fly"), lines[1]],
        [lines[1]],
        [lines[1], lines[0]],
        ["rubbish", lines[1]],
    ):
        path.write_text("\n".join(changed) + "\n")
        assert any(entry is None for _, entry in entries(path))


def test_what_cannot_be_written_down_is_not_done(shop: Any) -> None:
    box, app = shop("buy")
    audit_file(app).parent.mkdir(parents=True, exist_ok=True)
    audit_file(app).mkdir()
    with pytest.raises(StoreError, match="no tool is called"):
        call(box, "buy", '{"item": "tea"}')
    import shop as plugin

    assert plugin.calls == []


def test_names_that_mean_nothing_are_refused(shop: Any) -> None:
    with pytest.raises(UsageError, match="there is no tool 'calculater'"):
        shop("calculater")
    box, _ = shop("calc*", "search")
    assert box.names == ["calculator", "search"]


def test_search_reads_a_collection(shop: Any, opsvi: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Backups are kept for 35 days.")
    assert opsvi("ingest", "a.md", "--embedder", "hash", cwd=tmp_path).code == 0
    box, _ = shop("search")
    found = json.loads(call(box, "search", '{"text": "backups"}').text)
    assert "35 days" in found[0]["text"]
    assert box.tainted
