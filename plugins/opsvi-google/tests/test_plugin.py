"""The plugin inside opsvi: registered, imported late, used from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from conftest import KEY
from opsvi_google.plugin import OPSVI_API, opsvi_register
from test_embedder import BATCH, vectors
from test_requests import COUNT, HELLO, MODEL, MODELS, STREAM, answer, chunks

from opsvi_cli.sdk import API, Registry
from opsvi_cli.testing import SpecServer


def test_it_registers_both_parts_and_states_its_api() -> None:
    registry = Registry()
    opsvi_register(registry)
    assert [part.name for kind in ("provider", "embedder") for part in registry.parts(kind)] == ["google", "google"]
    assert OPSVI_API.split(".")[0] == str(API[0])


def test_building_the_parts_imports_no_sdk() -> None:
    code = (
        "import sys; from types import SimpleNamespace as S\n"
        "import opsvi_google.plugin\n"
        "from opsvi_google.provider import Google; from opsvi_google.embedder import GoogleEmbedder\n"
        "s = S(options={}, name='google'); Google(s).capabilities('m'); GoogleEmbedder(s).fingerprint\n"
        "found = {'google.genai', 'httpx2', 'numpy', 'pydantic'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env, timeout=60)


def test_the_command_line(opsvi: Callable[..., Any], serve: Callable[..., SpecServer]) -> None:
    listed = {"models": [{"name": f"models/{MODEL}", "inputTokenLimit": 9}]}
    script = {STREAM: chunks(answer({"text": "Hi "}, finish=None), HELLO), MODELS: listed, BATCH: vectors}
    server = serve({**script, COUNT: {"totalTokens": 42}})
    env = {
        "OPSVI_PLUGINS": "opsvi_google.plugin",
        "OPSVI_PROVIDERS__GOOGLE__BASE_URL": server.url,
        "OPSVI_PARTS__GOOGLE__BASE_URL": server.url,
        "OPSVI_PROVIDERS__GOOGLE__API_KEY": "env:GEMINI_API_KEY",
        "OPSVI_PARTS__GOOGLE__API_KEY": "env:GEMINI_API_KEY",
        "OPSVI_PARTS__GOOGLE__DIMENSIONS": "4",
    }
    asked = opsvi("prompt", "Say hello", "-m", f"google/{MODEL}", env=env)
    assert (asked.code, asked.out) == (0, "Hi hello\n"), asked.err
    models = opsvi("models", "google", "--json", env=env)
    assert [row["id"] for row in models.json] == [f"google/{MODEL}"]
    counted = opsvi("tokens", "Say hello", "-m", f"google/{MODEL}", env=env)
    assert (counted.code, "42" in counted.out, "~" in counted.out) == (0, True, False), counted
    embedded = opsvi("embed", "abc", "--embedder", "google", env=env)
    assert embedded.code == 0, embedded.err
    assert len(embedded.jsonl[0]["embedding"]) == 4


def test_a_stream_that_breaks_leaves_its_text_and_ends_with_an_error(
    opsvi: Callable[..., Any], serve: Callable[..., SpecServer]
) -> None:
    server = serve({STREAM: chunks(answer({"text": "half of"}, finish=None), f"{{{KEY}")}, check_answers=False)
    env = {
        "OPSVI_PLUGINS": "opsvi_google.plugin",
        "OPSVI_PROVIDERS__GOOGLE__BASE_URL": server.url,
        "OPSVI_PROVIDERS__GOOGLE__API_KEY": "env:GEMINI_API_KEY",
    }
    broken = opsvi("prompt", "x", "-m", f"google/{MODEL}", env=env)
    assert broken.code == 1
    assert broken.out.startswith("half of")
    assert f"google/{MODEL}" in broken.err
    assert KEY not in broken.out + broken.err
    assert "Traceback" not in broken.err
