"""The plugin as its user sees it: found, listed, checked, asked; and the SDK imported by the last of these alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wire
from conftest import KEY
from opsvi_anthropic.plugin import OPSVI_API, opsvi_register

from opsvi_cli.sdk import API, Registry

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


@pytest.fixture
def run(opsvi: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: str, url: str = "http://127.0.0.1:9", **env: str) -> Any:
        variables = {
            "OPSVI_PROVIDERS__ANTHROPIC__BASE_URL": url,
            "ANTHROPIC_API_KEY": KEY,
            "OPSVI_RESILIENCE__RETRIES": "0",
        }
        if url.startswith("http://127."):
            variables["OPSVI_PROVIDERS__ANTHROPIC__API_KEY"] = "env:ANTHROPIC_API_KEY"
        return opsvi(*args, env={**variables, **env})

    return call


def test_it_registers_the_provider_and_states_its_api() -> None:
    registry = Registry()
    opsvi_register(registry)
    assert [part.name for part in registry.parts("provider")] == ["anthropic"]
    assert OPSVI_API.split(".")[0] == str(API[0])


def test_the_sdk_is_imported_by_the_first_call_and_not_before() -> None:
    code = (
        "import sys; from types import SimpleNamespace\n"
        "import opsvi_anthropic.plugin\n"
        "from opsvi_anthropic.provider import Anthropic\n"
        "from opsvi_cli.sdk import ModelRequest\n"
        "p = Anthropic(SimpleNamespace(options={}, name='anthropic')); p.capabilities('x')\n"
        "p.stream(ModelRequest('x', [])).close()\n"
        "assert not {'anthropic', 'httpx2', 'pydantic'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_it_is_listed_with_its_permissions(run: Callable[..., Any]) -> None:
    done = run("plugins", "list", "--json")
    row = next(row for row in done.json if row["name"] == "anthropic")
    assert (row["status"], row["version"]) == ("ok", "0.1.0")
    done = run("plugins", "info", "anthropic", "--json")
    assert done.code == 0, done.err
    assert {"network", "secrets"} <= set(json.dumps(done.json).replace('"', " ").replace(",", " ").split())


def test_the_check_of_plugins(run: Callable[..., Any]) -> None:
    done = run("plugins", "check", "anthropic")
    assert done.code == 0, done.out + done.err


def test_models_and_prompt(run: Callable[..., Any], serve: Callable[..., Any]) -> None:
    models = {"data": [{"id": wire.MODEL, "type": "model", "max_input_tokens": 200000}], "has_more": False}
    with serve({"POST /v1/messages": wire.said("Hel", "lo"), "GET /v1/models": models}) as server:
        listed = run("models", "anthropic", "--json", url=server.url)
        assert listed.code == 0, listed.err
        assert [row["id"] for row in listed.json] == [f"anthropic/{wire.MODEL}"]
        said = run("prompt", "hi", "-m", f"anthropic/{wire.MODEL}", url=server.url)
        assert (said.code, said.out) == (0, "Hello\n")
        counted = run("prompt", "hi", "-m", f"anthropic/{wire.MODEL}", "--json", url=server.url)
        assert counted.json["usage"]["input_tokens"] == 16


def test_a_schema_and_a_file(run: Callable[..., Any], serve: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    flags = ("--schema", json.dumps(SCHEMA), "-a", str(tmp_path / "a.png"), "-m", f"anthropic/{wire.MODEL}", "--json")
    with serve({"POST /v1/messages": wire.said('{"n":', " 1}")}) as server:
        done = run("prompt", "how many?", *flags, url=server.url)
        assert done.code == 0, done.err
        assert done.json["answer"] == {"n": 1}
        assert server.requests[0].body["messages"][0]["content"][0]["type"] == "image"


def test_thinking_goes_through_a_conversation_with_tools(run: Callable[..., Any], serve: Callable[..., Any]) -> None:
    thought = wire.thinking_block(0, "I must add.", signature="signed")
    call = wire.tool_block(1, "toolu_user", "calculator", '{"expression": "20+22"}')
    first = wire.stream([wire.begin(), *thought, *call, *wire.end("tool_use")])
    with serve({"POST /v1/messages": [first, wire.said("It is 42.")]}) as server:
        flags = ("--tool", "calculator", "-m", f"anthropic/{wire.MODEL}")
        done = run("prompt", "20 + 22?", *flags, url=server.url, OPSVI_PROVIDERS__ANTHROPIC__THINKING="2048")
        assert (done.code, done.out) == (0, "It is 42.\n"), done.err
        second = server.requests[1].body
    assert second["thinking"]["budget_tokens"] == 2048
    assert second["messages"][1]["content"][0] == wire.thinking("I must add.", "signed")
    assert second["messages"][2]["content"][0]["content"] == "42"


def test_failures_have_their_exit_codes_and_no_key(run: Callable[..., Any], serve: Callable[..., Any]) -> None:
    refused = wire.SpecAnswer(wire.error("authentication_error", f"invalid x-api-key: {KEY}"), 401)
    cut = wire.stream([wire.begin(), *wire.text_block(0, "half of it"), ("error", wire.error("api_error", KEY))])
    with serve({"POST /v1/messages": [refused, cut]}, check_answers=False) as server:
        done = run("prompt", "hi", "-m", f"anthropic/{wire.MODEL}", url=server.url)
        assert done.code == 4
        assert KEY not in done.out + done.err
        done = run("prompt", "hi", "-m", f"anthropic/{wire.MODEL}", url=server.url)
        assert done.code == 1
        assert "half of it" in done.out
        assert KEY not in done.out + done.err
    missing = run("prompt", "hi", "-m", "anthropic/x", url="https://api.anthropic.com", ANTHROPIC_API_KEY="")
    assert missing.code == 4
    assert "opsvi secrets set anthropic" in missing.err


def test_doctor_misses_the_key_without_a_request(run: Callable[..., Any]) -> None:
    for key, code in ((KEY, 0), ("", 1)):
        found = run(
            "doctor", "--json", url="https://api.anthropic.com", OPSVI_MODEL="anthropic/m", ANTHROPIC_API_KEY=key
        )
        row = next(row for row in found.json if row["name"] == "model")
        assert (found.code, row["status"]) == (code, "error" if code else "ok"), row
