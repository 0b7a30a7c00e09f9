"""A planted key must appear in no output, log, database or crash report, whatever runs and however it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CANARY = "sk-canary-7f3a9b2c4d5e6f708192a3b4"
STORED = "stored-canary-Zq81xWv02pLm"

COMMANDS: tuple[tuple[str, ...], ...] = (
    ("ingest", "docs"),
    ("search", "backups"),
    ("query", "backups", "--no-llm"),
    ("query", "backups"),
    ("prompt", "hi"),
    ("prompt", "hi", "--no-stream", "--json"),
    ("chat",),
    ("models",),
    ("models", "--json"),
    ("logs", "list"),
    ("logs", "export"),
    ("usage", "--json"),
    ("cache", "stats"),
    ("tools", "call", "date"),
    ("tools", "log"),
    ("embed", "text", "--embedder", "openai"),
    ("extract", "docs/backup.md"),
    ("collections", "list"),
    ("collections", "show", "default"),
    ("config", "list", "--show-origin"),
    ("config", "list", "--json"),
    ("config", "get", "providers"),
    ("config", "validate"),
    ("secrets", "list"),
    ("secrets", "test", "openai"),
    ("plugins", "list"),
    ("doctor",),
    ("doctor", "--json"),
    ("help", "environment"),
)
FAULTS = ("401-echoes-key", "500-forever", "html-200", "cut-mid-stream", "redirect-other-host", "429-forever")


@pytest.fixture
def planted(home: Path, tmp_path: Path, opsvi_process: Callable[..., Any]) -> dict[str, str]:
    """A home with a stored secret, a collection, and a key in the environment."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "backup.md").write_text("Backups are kept for ninety days.\n")
    env = {"OPENAI_API_KEY": CANARY, "OPSVI_RESILIENCE__RETRIES": "0", "OPSVI_HTTP__READ_TIMEOUT": "5"}
    assert opsvi_process("secrets", "set", "openai", stdin=STORED + "\n", env=env).code == 0
    assert opsvi_process("ingest", tmp_path / "docs", env=env).code == 0
    return env


def leaks(home: Path, *texts: str) -> list[str]:
    found = [text for text in texts if CANARY in text or STORED in text]
    for path in home.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if CANARY.encode() in data or STORED.encode() in data:
                found.append(str(path))
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_failing_providers_leak_no_key(
    fault: str, fault_server: Any, planted: dict[str, str], home: Path, opsvi_process: Callable[..., Any]
) -> None:
    env = {**planted, "OPSVI_PROVIDERS__OPENAI__BASE_URL": fault_server.url(fault), "OPSVI_MODEL": "openai/gpt-test"}
    for args in (("prompt", "hi"), ("query", "backups"), ("models",), ("doctor",)):
        done = opsvi_process(*args, "-vv", "--debug", env=env)
        assert leaks(home, done.out, done.err) == []


def test_no_command_leaks_a_key(
    planted: dict[str, str], home: Path, fault_server: Any, opsvi_process: Callable[..., Any]
) -> None:
    env = {
        **planted,
        "OPSVI_PROVIDERS__OPENAI__BASE_URL": fault_server.url("401-echoes-key"),
        "OPSVI_MODEL": "openai/gpt-test",
    }
    for args in COMMANDS:
        done = opsvi_process(*args, "-vv", "--debug", env=env)
        assert leaks(home, done.out, done.err) == [], args


def test_a_crash_report_is_redacted(planted: dict[str, str], home: Path, tmp_path: Path) -> None:
    """A plugin's command that fails with the key in its error."""
    (tmp_path / "crashing.py").write_text(
        "import os\nimport typer\nfrom opsvi_cli.sdk import hookimpl\n"
        "OPSVI_API = '1.0'\n"
        "app = typer.Typer()\n"
        "@hookimpl\ndef opsvi_register(registry):\n"
        "    registry.command('crash', 'crashing:app', help='Fails')\n"
        "@app.command()\ndef crash():\n"
        "    key = os.environ['OPENAI_API_KEY']\n"
        "    raise RuntimeError(f'refused: {key}')\n"
    )
    env = {**os.environ, **planted, "OPSVI_PLUGINS": "crashing", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "opsvi_cli", "crash", "-vv"],
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "unexpected RuntimeError: refused" in done.stderr
    assert (home / "state" / "last-crash.txt").exists()
    assert leaks(home, done.stdout, done.stderr) == []
