"""The plugin from its source folder, and the Gemini API as a server of the test that judges every request."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from gemini_document import DOCUMENT

from opsvi_cli.sdk import Services
from opsvi_cli.testing import SpecServer

HERE = Path(__file__).resolve()
if importlib.util.find_spec("opsvi_google") is None:
    sys.path.append(str(HERE.parents[1] / "src"))
OFFICIAL = HERE.parents[4] / "shared" / "data" / "specs" / "llm" / "gemini-slice.json"
KEY = "AIza-test-0123456789abcdefghijklmnop"


@pytest.fixture(autouse=True)
def own_environment(opsvi_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


@pytest.fixture
def serve() -> Iterator[Callable[..., SpecServer]]:
    """`serve({"POST ...": answer})`: a server that holds requests against this folder's description."""
    with ExitStack() as stack:

        def start(answers: Any, **options: Any) -> SpecServer:
            given = {"key": KEY, "check_answers": True, **options}
            return stack.enter_context(SpecServer(given.pop("document", DOCUMENT), answers, **given))

        yield start


@pytest.fixture(params=["own", "official"])
def serve_each(request: pytest.FixtureRequest, serve: Callable[..., SpecServer]) -> Callable[..., SpecServer]:
    """`serve` with this folder's description, and with the vendor's where it is at hand."""
    if request.param == "own":
        return serve
    if not OFFICIAL.exists():
        pytest.skip("the vendor's description is not on this machine")
    return lambda answers, **options: serve(
        answers, document=OFFICIAL, credentials=["x-goog-api-key"], check_answers=False, **options
    )


@pytest.fixture
def services(opsvi_services: Callable[..., Services]) -> Callable[..., Services]:
    """`services(server, **options)`: what opsvi builds the parts with."""
    return lambda server, **options: opsvi_services(
        "google", **{"base_url": server.url, "api_key": "env:GEMINI_API_KEY", **options}
    )
