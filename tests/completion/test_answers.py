"""`opsvi __complete KIND PREFIX`: names of the user's things, without Typer, and silence when something is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.completion import PROVIDERS, TOOLS, answer
from opsvi_cli.foundation.db import connect
from opsvi_cli.foundation.state import MIGRATIONS as STATE
from opsvi_cli.llm.sessions import MIGRATIONS


@pytest.mark.usefixtures("collections")
def test_collections_start_with_the_prefix_and_come_in_order(home: Path) -> None:
    (home / "data" / "collections" / "catalogue.json").write_text('{"far": "qdrant"}')
    (home / "data" / "collections" / ".lock").mkdir()
    assert answer(["collections"]) == "far\nnotes\nnotes-old\nwork\n"
    assert answer(["collections", "no"]) == "notes\nnotes-old\n"


def test_sessions_are_read_from_their_database(home: Path) -> None:
    database = connect(home / "data" / "sessions.db", MIGRATIONS)
    rows = [("s1", "friday", "1"), ("s2", None, "2"), ("s3", "evil\x1b]0;x", "3")]
    for row in rows:
        database.execute("INSERT INTO sessions (id, name, created, updated) VALUES (?, ?, '1', ?)", row)
    database.close()
    assert answer(["sessions", ""]) == "friday\ns2\n"


def test_prompts_are_own_and_packaged(home: Path) -> None:
    folder = home / "config" / "prompts"
    folder.mkdir(parents=True)
    for name in ("mine.md", "more.toml", "notes.txt", ".mine.md.x"):
        (folder / name).write_text("x")
    assert answer(["prompts", "m"]) == "mine\nminutes\nmore\n"
    assert "summarize\n" in answer(["prompts", ""])


def test_models_come_from_the_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built_in = {"echo", *(f"{name}/" for name in PROVIDERS if name != "echo")}
    assert set(answer(["models"]).split()) == built_in
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text(
        'model = "openai/one"\n[resilience]\nfallback = ["openai/two"]\n'
        '[profiles.work]\nmodel = "lab/three"\n[providers.lab]\nbase_url = "x"\n'
    )
    monkeypatch.setenv("OPSVI_MODEL", "openai/four")
    found = set(answer(["models"]).split())
    assert found - built_in == {"lab/", "lab/three", "openai/four", "openai/one", "openai/two"}
    assert answer(["providers", "la"]) == "lab\n"


def test_models_that_answered_are_offered_again(home: Path) -> None:
    database = connect(home / "state" / "state.db", STATE)
    rows = [("groq", "llama", "ok"), ("groq", "typo", "not-found"), ("echo", "echo", "ok"), ("groq", "llama", "ok")]
    for row in rows:
        database.execute(
            "INSERT INTO usage (time, command, provider, model, seconds, outcome) VALUES ('1', 'prompt', ?, ?, 0, ?)",
            row,
        )
    database.close()
    assert answer(["models", "groq/"]) == "groq/\ngroq/llama\n"
    (home / "state" / "state.db").write_text("this is no database, not at all" * 100)
    assert answer(["models", "groq/"]) == "groq/\n"


def test_tools_and_servers_come_from_the_settings(home: Path) -> None:
    (home / "config").mkdir(parents=True)
    (home / "config" / "config.toml").write_text(
        '[tools]\nallow = ["units", "mcp.x.*"]\nask = ["date"]\n[mcp.files]\ncommand = "x"\n'
    )
    assert answer(["tools"]).split() == [*sorted({*TOOLS, "units", "mcp.files.*"})]
    assert answer(["servers"]) == "files\n"


def test_the_names_that_are_built_in_are_those_of_the_code() -> None:
    from opsvi_cli.builtin.openai_presets import COMPATIBLE, PRESETS
    from opsvi_cli.context import AppContext
    from opsvi_cli.rag.tools import open_toolbox

    assert set(PROVIDERS) == {"echo", *PRESETS} - {COMPATIBLE}
    with open_toolbox(AppContext(env={"OPSVI_NO_PLUGINS": "1"}), ["*"], lambda _call, _result: None) as toolbox:
        assert set(toolbox.names) == set(TOOLS)


def test_plugins_come_from_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "x-1.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_text("[console_scripts]\nno = a:b\n\n[opsvi]\nshout = x\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert {"opsvi", "shout"} <= set(answer(["plugins"]).split())
    assert "no" not in answer(["plugins"]).split()


def test_isolated_plugins_are_known_by_their_distribution(home: Path) -> None:
    (home / "data" / "plugins" / "opsvi-apart").mkdir(parents=True)
    (home / "data" / "plugins" / ".lock").touch()
    assert {"opsvi", "opsvi-apart"} <= set(answer(["plugins"]).split())
    assert ".lock" not in answer(["plugins"]).split()


def test_damage_and_unknown_kinds_are_silence(home: Path) -> None:
    (home / "data").mkdir(parents=True)
    (home / "config").mkdir()
    (home / "data" / "sessions.db").write_text("this is no database, not at all" * 100)
    (home / "config" / "config.toml").write_text("model = [")
    for words in (["sessions"], ["models"], ["collections"], ["unheard"], [], ["", ""]):
        assert answer(words) == ""


@pytest.mark.usefixtures("collections")
def test_an_answer_imports_neither_typer_nor_the_packaging_library() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['opsvi', '__complete', sys.argv[1], '']\n"
        "from opsvi_cli.__main__ import main\n"
        "main()\n"
        "print(*sys.modules)\n"
    )
    for kind in ("collections", "models", "prompts", "providers", "servers", "sessions", "plugins", "tools"):
        done = subprocess.run(
            [sys.executable, "-c", code, kind], capture_output=True, text=True, check=True, timeout=60
        )
        modules = set(done.stdout.splitlines()[-1].split())
        heavy = {"typer", "importlib.metadata", "pydantic", "rich", "pluggy", "platformdirs", "numpy", "logging", "re"}
        already = set(
            subprocess.run(
                [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True
            ).stdout.split()
        )
        allowed = {"re"} if kind in ("models", "providers", "servers", "tools") else set()  # tomllib uses it
        assert (heavy - already - allowed) & modules == set()
        assert not any(name.startswith("opsvi_cli.") and name not in _OWN for name in modules)


_OWN = ("opsvi_cli.__main__", "opsvi_cli.completion")


@pytest.mark.usefixtures("collections")
def test_the_program_answers(opsvi_process: Callable[..., Any]) -> None:
    done = opsvi_process("__complete", "collections", "w")
    assert (done.code, done.out, done.err) == (0, "work\n", "")
