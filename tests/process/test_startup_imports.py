"""What a run imports: start-up is fast because of what is not loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.command_table import COMMANDS

Modules = Callable[..., set[str]]

NETWORK = {"httpx", "httpx2", "httpcore2", "openai", "ssl"}
NUMBERS = {"numpy", "faiss", "tokenizers", "wordllama"}
DOCUMENTS = {"lxml", "trafilatura", "pypdf", "pypdfium2", "docx", "bs4", "chardet", "markdown_it"}
HEAVY = NETWORK | NUMBERS | DOCUMENTS | {"pydantic", "rich", "jinja2", "stamina", "pyrate_limiter", "asyncio", "yaml"}


@pytest.fixture
def collection(opsvi_process: Callable[..., object], tmp_path: Path) -> Path:
    """A default collection of two documents, and the folder they are in."""
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "backup.md").write_text("# Backup\n\nBackups are kept for ninety days.\n")
    (folder / "rota.txt").write_text("Nadia is on call on Sundays.\n")
    done = opsvi_process("ingest", folder)
    assert done.code == 0, done.err  # type: ignore[attr-defined]
    return folder


def test_version_is_answered_before_typer(modules_of: Modules) -> None:
    assert not modules_of("--version") & (HEAVY | {"typer", "pluggy", "sqlite3", "json"})


@pytest.mark.parametrize("args", [(), ("--help",), ("-h",)])
def test_root_help_imports_no_parser(modules_of: Modules, args: tuple[str, ...]) -> None:
    assert not modules_of(*args) & (HEAVY | {"typer", "pluggy", "sqlite3"})


@pytest.mark.parametrize("kind", ["collections", "models", "sessions"])
def test_completion_imports_no_parser(modules_of: Modules, kind: str) -> None:
    assert not modules_of("__complete", kind) & (HEAVY | {"typer", "pluggy"})


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command_is_light(modules_of: Modules, name: str) -> None:
    assert not modules_of(name, "--help") & (HEAVY | {"sqlite3"})


def test_config_get(modules_of: Modules) -> None:
    assert not modules_of("config", "get", "model") & (HEAVY | {"sqlite3"})


def test_collections_list(modules_of: Modules, collection: Path) -> None:
    assert not modules_of("collections", "list") & HEAVY


def test_keyword_search_loads_no_vectors(modules_of: Modules, collection: Path) -> None:
    assert not modules_of("search", "backups", "--mode", "keyword") & HEAVY


def test_hybrid_search_loads_only_what_it_scores_with(modules_of: Modules, collection: Path) -> None:
    loaded = modules_of("search", "backups")
    assert {"numpy", "tokenizers"} <= loaded
    assert not loaded & (NETWORK | DOCUMENTS | {"faiss", "pydantic", "rich", "jinja2", "stamina", "wordllama"})


def test_extractive_answer_loads_no_model_client(modules_of: Modules, collection: Path) -> None:
    assert not modules_of("query", "How long are backups kept?") & (NETWORK | DOCUMENTS | {"faiss", "pydantic"})


def test_unchanged_ingest_reads_and_embeds_nothing(modules_of: Modules, collection: Path) -> None:
    assert not modules_of("ingest", collection) & (NETWORK | NUMBERS | DOCUMENTS | {"pydantic", "rich"})


def test_prompt_with_echo_loads_no_client(modules_of: Modules) -> None:
    """Nor what guards a server: echo asks none."""
    guards = {"filelock", "stamina", "tenacity", "pyrate_limiter", "genai_prices", "jsonschema"}
    assert not modules_of("prompt", "hi", "-m", "echo/echo") & (HEAVY | guards)


def test_a_kept_answer_loads_no_client(modules_of: Modules, fault_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first call imports the SDK, the kept answer does not."""
    monkeypatch.setenv("OPSVI_ANSWERS__CACHE", "true")
    args = ("prompt", "hi", "-m", "openai/m", "--base-url", fault_server.url("ok"))
    assert {"openai", "httpx2"} <= modules_of(*args)
    assert not modules_of(*args) & (NETWORK | NUMBERS | DOCUMENTS | {"pydantic", "rich", "stamina", "filelock"})
    assert fault_server.count("ok") == 1


@pytest.mark.parametrize(
    "args",
    [
        ("prompt", "hi", "-m", "openai/m"),  # no key
        ("prompt", "hi", "-m", "openai/m", "--base-url", "ftp://127.0.0.1/v1"),
        ("prompt", "hi", "-m", "nobody/m"),
    ],
    ids=["no key", "no address", "no provider"],
)
def test_what_fails_before_the_first_call_loads_no_client(modules_of: Modules, args: tuple[str, ...]) -> None:
    assert not modules_of(*args, code=None) & (NETWORK | NUMBERS | DOCUMENTS | {"pydantic", "rich"})


def test_every_command_of_the_table_resolves() -> None:
    from opsvi_cli.app import load_command
    from opsvi_cli.context import AppContext

    for name in COMMANDS:
        assert load_command(name, AppContext()).name == name


def test_chat_in_a_pipe_loads_no_prompt_and_no_renderer(modules_of: Modules) -> None:
    loaded = modules_of("chat", "-m", "echo", stdin="hi\n")
    assert not loaded & (
        NETWORK | NUMBERS | DOCUMENTS | {"pydantic", "rich", "prompt_toolkit", "asyncio", "genai_prices"}
    )
