"""Parts with settings, and servers that judge their requests by a description of the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wire
from opsvi_cohere.provider import Cohere

from opsvi_cli.sdk import Message, ModelRequest
from opsvi_cli.testing import SpecServer

HERE = Path(__file__).resolve().parent
OWN = HERE / "spec.json"
OFFICIAL = HERE.parents[2].parent / "shared" / "data" / "specs" / "llm" / "cohere-slice.json"
KEY = "co-test-0123456789abcdefghij"


@pytest.fixture(params=["own", "official"])
def spec(request: pytest.FixtureRequest) -> Path:
    """The description of the API in this folder, and the vendor's where there is one."""
    if request.param == "official" and not OFFICIAL.exists():
        pytest.skip("the vendor's description of the API is not here")
    return OWN if request.param == "own" else OFFICIAL


def _described(document: Path) -> dict[str, Any]:
    """The description; the vendor's names the events of a stream, but not their media type."""
    described: dict[str, Any] = json.loads(document.read_text())
    answers = described["paths"]["/v2/chat"]["post"]["responses"]["200"]["content"]
    if "text/event-stream" not in answers:
        answers["application/json"] = {"schema": {"$ref": "#/components/schemas/ChatResponseV2"}}
        answers["text/event-stream"] = {"schema": {"type": "object", "required": ["type"]}}
    return described


@pytest.fixture
def serve() -> Callable[..., SpecServer]:
    """`serve({"POST /v2/chat": answer})`: a server that knows the key and checks the answers of the test too."""

    def call(answers: dict[str, Any], document: Path = OWN, **more: Any) -> SpecServer:
        return SpecServer(_described(document), answers, **{"key": KEY, "check_answers": True, **more})

    return call


@pytest.fixture
def make(opsvi_services: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`make(url, CohereEmbedder, model="x")`: the part with these settings; the provider without a class."""

    def call(url: str, part: Any = Cohere, *, key: str = KEY, **options: Any) -> Any:
        monkeypatch.setenv("CO_API_KEY", key)
        named = {"api_key": "env:CO_API_KEY"} if key else {}
        return part(opsvi_services("cohere", base_url=url, **{**named, **options}))

    return call


@pytest.fixture
def ask(make: Callable[..., Any], serve: Callable[..., SpecServer]) -> Callable[..., Any]:
    """`ask(answer, "text", schema=...)`: (events, the body that was sent)."""

    def call(answer: Any, *messages: Message | str, settings: Any = None, spec: Path = OWN, **more: Any) -> Any:
        sent = [Message("user", one) if isinstance(one, str) else one for one in messages or ("hi",)]
        with serve({"POST /v2/chat": answer}, spec) as server:
            provider = make(server.url, **(settings or {}))
            events = list(provider.stream(ModelRequest(wire.MODEL, sent, **more)))
            return events, server.requests[-1].body

    return call
