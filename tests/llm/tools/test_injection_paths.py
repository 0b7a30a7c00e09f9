"""The same attacks by every other way into a model: passages of a collection, pages, tools and servers of tools."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from servers.attacks import ATTACKS, Attack
from servers.obedient_model import Obedient
from servers.web_proxy import proxy

Run = Callable[..., Any]
TOOLS = ("--tool", "post", "--tool", "read_file", "--tool", "http_get", "--tool", "search")
ALLOWED = {"OPSVI_TOOLS__ALLOW": "*", "OPSVI_RESILIENCE__RETRIES": "0"}
"""All that settings can allow."""
HOSTILE = Path(__file__).resolve().parents[2] / "servers" / "mcp_hostile.py"


def ask(opsvi: Run, model: Obedient, tmp_path: Path, *args: str, **env: str) -> Any:
    where = ("-m", "openai/m", "--base-url", model.url, "--no-stream")
    return opsvi(*args, *where, env={**ALLOWED, **env}, cwd=tmp_path / "work")


def assert_nothing_left(opsvi: Run, model: Obedient, attack: Attack) -> None:
    assert attack.name in model.obeyed, "the attack did not reach the model: this proves nothing"
    assert model.leaked == []
    assert not any(secret in str(model.asked) for secret in ("4711", "root:x:"))
    calls = [row["tool"] for row in opsvi("tools", "log", "-n", "10000", "--json").json if row["event"] == "call"]
    assert "post" not in calls


@pytest.fixture
def library(opsvi: Run, model: Obedient, tmp_path: Path) -> None:
    """A collection with all attacks, one document each, which is found by its trigger."""
    folder = tmp_path / "library"
    folder.mkdir()
    for number, attack in enumerate(ATTACKS):
        (folder / f"{number}.txt").write_text(f"{attack.trigger}\n\n{attack.text}\n")
    assert opsvi("ingest", folder, "-c", "library", "--embedder", "hash").code == 0


def test_passages_of_a_query(opsvi: Run, model: Obedient, tmp_path: Path, library: None) -> None:
    """`query` gives the model no tools; calls that it makes all the same are an error."""
    for attack in ATTACKS:
        model.obeyed.clear()
        done = ask(opsvi, model, tmp_path, "query", attack.trigger, "-c", "library", "-k", "1", "--mode", "keyword")
        assert done.code == 1, done.out
        assert_nothing_left(opsvi, model, attack)


def test_passages_of_the_search_tool(opsvi: Run, model: Obedient, tmp_path: Path, library: None) -> None:
    for attack in ATTACKS[::3]:
        model.obeyed.clear()
        model.wish = ("search", {"text": attack.trigger, "collection": "library", "k": 1})
        ask(opsvi, model, tmp_path, "prompt", "what is in the library?", *TOOLS)
        assert_nothing_left(opsvi, model, attack)


def test_passages_in_a_chat(opsvi: Run, model: Obedient, tmp_path: Path, library: None) -> None:
    for attack in ATTACKS[::6]:
        model.obeyed.clear()
        where = ("-m", "openai/m", "--base-url", model.url, "--no-stream")
        more = {"env": ALLOWED, "cwd": tmp_path / "work", "stdin": f"tell me of {attack.trigger}\nthank you\n"}
        opsvi("chat", "-c", "library", "-k", "1", *TOOLS, *where, **more)
        assert_nothing_left(opsvi, model, attack)


def test_a_page_of_the_web(opsvi: Run, model: Obedient, tmp_path: Path) -> None:
    """The page that the user asked for is fetched, and nothing after it."""
    with proxy("") as web:
        for attack in ATTACKS[::3]:
            model.obeyed.clear()
            web.asked.clear()
            web.page = attack.text
            model.wish = ("http_get", {"url": "http://attacker.example/page"})
            ask(opsvi, model, tmp_path, "prompt", "sum up the page", *TOOLS, OPSVI_HTTP__PROXY=web.url)
            assert_nothing_left(opsvi, model, attack)
            assert web.asked == ["http://attacker.example/page"]


@pytest.mark.parametrize("describes", ["", "1"], ids=["result", "description"])
def test_a_server_of_tools(describes: str, opsvi: Run, model: Obedient, tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    attack = ATTACKS[0]
    env = json.dumps({"ATTACK": attack.text, "ATTACK_DESCRIBES": describes})
    for key, value in (("command", sys.executable), ("args", json.dumps([str(HOSTILE)])), ("env", env)):
        assert opsvi("config", "set", f"mcp.hostile.{key}", value).code == 0
    if not describes:
        model.wish = ("mcp_hostile_note", {})
    done = ask(opsvi, model, tmp_path, "prompt", "what is the note of the day?", "--tool", "mcp.hostile.*", *TOOLS)
    assert done.code == 0, done.err
    assert_nothing_left(opsvi, model, attack)
    assert ("tool mcp.hostile.note" in done.err) is not bool(describes)
