"""A provider with settings, and servers that judge its requests by a description of the API."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opsvi_anthropic.provider import Anthropic

from opsvi_cli.sdk import Message, ModelRequest
from opsvi_cli.testing import SpecServer

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
OWN = HERE / "spec.json"
OFFICIAL = ROOT.parent / "shared" / "data" / "specs" / "llm" / "anthropic-slice.json"
MODEL = "claude-sonnet-5-5"
KEY = "sk-ant-test-0123456789abcdef"

if (ROOT / "tests" / "server_fixtures.py").exists():
    sys.path.append(str(ROOT / "tests"))


@pytest.fixture(params=["own", "official"])
def spec(request: pytest.FixtureRequest) -> Path:
    """The description of the API in this folder, and the vendor's where there is one."""
    if request.param == "official" and not OFFICIAL.exists():
        pytest.skip("the vendor's description of the API is not here")
    return OWN if request.param == "own" else OFFICIAL


def _described(document: Path) -> dict[str, Any]:
    """The description; the vendor's says nothing about streams, so any named event is right there."""
    described: dict[str, Any] = json.loads(document.read_text())
    answers = described["paths"]["/v1/messages"]["post"]["responses"]["200"]["content"]
    answers.setdefault("text/event-stream", {"schema": {"type": "object", "required": ["type"]}})
    return described


@pytest.fixture
def serve() -> Callable[..., SpecServer]:
    """`serve({"POST /v1/messages": answer})`: a server that knows the key and checks the answers of the test too."""

    def call(answers: dict[str, Any], document: Path = OWN, **more: Any) -> SpecServer:
        return SpecServer(_described(document), answers, **{"key": KEY, "check_answers": True, **more})

    return call


@pytest.fixture
def make(opsvi_services: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Anthropic]:
    """`make(url, thinking=2048)`: the provider with these settings."""

    def call(url: str, *, key: str = KEY, **options: Any) -> Anthropic:
        monkeypatch.setenv("ANTHROPIC_API_KEY", key)
        named = {"api_key": "env:ANTHROPIC_API_KEY"} if key else {}
        return Anthropic(opsvi_services("anthropic", base_url=url, **{**named, **options}))

    return call


@pytest.fixture
def ask(make: Callable[..., Anthropic], serve: Callable[..., SpecServer]) -> Callable[..., Any]:
    """`ask(answer, "text", schema=...)`: (events, the body that was sent)."""

    def call(answer: Any, *messages: Message | str, settings: Any = None, spec: Path = OWN, **more: Any) -> Any:
        sent = [Message("user", one) if isinstance(one, str) else one for one in messages or ("hi",)]
        with serve({"POST /v1/messages": answer}, spec) as server:
            provider = make(server.url, **(settings or {}))
            events = list(provider.stream(ModelRequest(MODEL, sent, **more)))
            return events, server.requests[-1].body

    return call
