"""The plugin from its source folder, and servers of the test that judge every request."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hf_documents
import pytest

from opsvi_cli.sdk import Message, ModelRequest, Services
from opsvi_cli.testing import SpecAnswer, SpecServer

HERE = Path(__file__).resolve()
if importlib.util.find_spec("opsvi_huggingface") is None:
    sys.path.append(str(HERE.parents[1] / "src"))
OFFICIAL = HERE.parents[4] / "shared" / "data" / "specs" / "llm"
KEY = "hf_test0123456789abcdefghijklmnop"
CHAT = "POST /v1/chat/completions"
MODEL = "owner/small"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: needs PyTorch, which takes seconds to import")


@pytest.fixture(autouse=True)
def own_environment(opsvi_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.setenv("HF_TOKEN", KEY)


@pytest.fixture
def serve() -> Iterator[Callable[..., SpecServer]]:
    """`serve({"POST ...": answer}, document=...)`: a server that holds requests against a description."""
    with ExitStack() as stack:

        def start(answers: Any, *, document: Any = hf_documents.ROUTER, **options: Any) -> SpecServer:
            return stack.enter_context(SpecServer(document, answers, **{"key": KEY, **options}))

        yield start


@pytest.fixture(params=["own", "official"])
def serve_each(request: pytest.FixtureRequest, serve: Callable[..., SpecServer]) -> Callable[..., SpecServer]:
    """`serve_each("tgi", answers)`: with this folder's description, and with the vendor's where it is at hand."""

    def start(name: str, answers: Any) -> SpecServer:
        if request.param == "own":
            return serve(answers, document=getattr(hf_documents, name.upper()))
        path = OFFICIAL / f"hf-{name}-slice.json"
        if not path.exists():
            pytest.skip("the vendor's description is not on this machine")
        return serve(answers, document=path, credentials=["authorization"])

    return start


@pytest.fixture
def services(opsvi_services: Callable[..., Services]) -> Callable[..., Services]:
    """`services(server, **options)`: what opsvi builds the parts with, the router being `server`."""
    return lambda server, **options: opsvi_services(
        "huggingface", **{"base_url": server.url, "dialect": "router", "api_key": "env:HF_TOKEN", **options}
    )


def ask(*messages: Message, **more: Any) -> ModelRequest:
    return ModelRequest(MODEL, messages or [Message("user", "Say hello")], **more)


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    fields = {"id": "1", "created": 1, "model": MODEL, "system_fingerprint": "x", "object": "chat.completion.chunk"}
    return {**fields, "choices": [{"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": finish}]}


def whole(finish: str | None = "stop", **message: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"id": "1", "created": 1, "model": MODEL, "choices": [choice], "usage": usage}


def streamed(*events: Any) -> SpecAnswer:
    counted = {**chunk(), "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
    return SpecAnswer.sse([*events, counted])
