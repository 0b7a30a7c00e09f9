"""The plugin inside opsvi: registered, imported late, used from the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from conftest import CHAT, KEY, MODEL, chunk, streamed
from opsvi_huggingface.plugin import OPSVI_API, opsvi_register
from test_embedder import EXTRACT, vectors

from opsvi_cli.sdk import API, Registry
from opsvi_cli.testing import SpecAnswer, SpecServer


def test_it_registers_its_parts_and_states_its_api() -> None:
    registry = Registry()
    opsvi_register(registry)
    assert {part.name for part in registry.parts("provider")} == {"huggingface", "huggingface-local"}
    assert [part.name for part in registry.parts("embedder")] == ["huggingface"]
    assert OPSVI_API.split(".")[0] == str(API[0])


def test_building_the_parts_imports_no_library() -> None:
    code = (
        "import sys; from types import SimpleNamespace as S\n"
        "import opsvi_huggingface.plugin\n"
        "from opsvi_huggingface.provider import HuggingFace; from opsvi_huggingface.local import LocalTransformers\n"
        "from opsvi_huggingface.embedder import HuggingFaceEmbedder\n"
        "s = S(options={}, name='x'); HuggingFace(s).capabilities('m'); LocalTransformers(s).models()\n"
        "HuggingFaceEmbedder(s).fingerprint\n"
        "found = {'huggingface_hub', 'httpx2', 'numpy', 'torch', 'transformers'} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(place for place in sys.path if place)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env, timeout=60)


def settings(server: SpecServer) -> dict[str, str]:
    return {
        "OPSVI_PLUGINS": "opsvi_huggingface.plugin",
        "OPSVI_PROVIDERS__HUGGINGFACE__BASE_URL": server.url,
        "OPSVI_PROVIDERS__HUGGINGFACE__DIALECT": "router",
        "OPSVI_PARTS__HUGGINGFACE__BASE_URL": server.url,
        "OPSVI_PROVIDERS__HUGGINGFACE__API_KEY": "env:HF_TOKEN",
        "OPSVI_PARTS__HUGGINGFACE__API_KEY": "env:HF_TOKEN",
        "OPSVI_PARTS__HUGGINGFACE__DIALECT": "router",
    }


def test_the_command_line(opsvi: Callable[..., Any], serve: Callable[..., SpecServer]) -> None:
    hello = streamed(chunk(content="Hi "), chunk("stop", content="there"))
    server = serve({CHAT: hello, "GET /v1/models": {"data": [{"id": MODEL}]}, EXTRACT: vectors})
    asked = opsvi("prompt", "Say hello", "-m", f"huggingface/{MODEL}", env=settings(server))
    assert (asked.code, asked.out) == (0, "Hi there\n"), asked.err
    models = opsvi("models", "huggingface", "--json", env=settings(server))
    assert [row["id"] for row in models.json] == [f"huggingface/{MODEL}"]
    embedded = opsvi("embed", "abc", "--embedder", "huggingface", env=settings(server))
    assert embedded.code == 0, embedded.err
    assert len(embedded.jsonl[0]["embedding"]) == 4


def test_a_stream_that_breaks_leaves_its_text_and_ends_with_an_error(
    opsvi: Callable[..., Any], serve: Callable[..., SpecServer]
) -> None:
    server = serve({CHAT: SpecAnswer.sse([chunk(content="half of"), f"{{{KEY}"])})
    broken = opsvi("prompt", "x", "-m", f"huggingface/{MODEL}", env=settings(server))
    assert broken.code == 1
    assert broken.out.startswith("half of")
    assert f"huggingface/{MODEL}" in broken.err
    assert KEY not in broken.out + broken.err
    assert "Traceback" not in broken.err
    refused = opsvi(
        "prompt", "x", "-m", f"huggingface/{MODEL}", "--timeout", "30", env={**settings(server), "HF_TOKEN": "x"}
    )
    assert refused.code == 4
    local = opsvi("prompt", "x", "-m", "huggingface-local/gone", "--schema", "{}", env=settings(server))
    assert local.code == 2
    assert "does not do schema" in local.err
