"""`opsvi models`: every provider that is set up, one failure does not hide the others."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from server_fixtures import fault_server

__all__ = ["fault_server"]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def openai_at(url: str, **env: str) -> dict[str, str]:
    return {"OPSVI_PROVIDERS__OPENAI__BASE_URL": url, "OPSVI_RESILIENCE__RETRIES": "0", **env}


def test_without_a_key_nobody_is_asked(opsvi: Callable[..., Any]) -> None:
    done = opsvi("models", "--json")
    assert (done.code, done.err) == (0, "")
    assert [row["id"] for row in done.json] == ["echo/echo", "echo/slow", "echo/call"]
    assert done.json[0] == {
        "id": "echo/echo",
        "provider": "echo",
        "capabilities": ["images", "schema", "stream", "usage"],
        "context_window": None,
        "default": False,
    }


def test_models_of_a_server(opsvi: Callable[..., Any], fault_server: Any) -> None:
    done = opsvi("models", "--json", env=openai_at(fault_server.url("ok"), OPSVI_MODEL="openai/m-b"))
    assert [(row["id"], row["default"]) for row in done.json] == [
        ("echo/echo", False),
        ("echo/slow", False),
        ("echo/call", False),
        ("openai/m-a", False),
        ("openai/m-b", True),
    ]
    jsonschema.validate(done.json, json.loads((GOLDEN / "models.schema.json").read_text()))
    lines = opsvi("models", "openai", env=openai_at(fault_server.url("ok"))).out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["openai/m-a", "openai/m-b"]


def test_the_name_of_a_provider_can_be_the_default(opsvi: Callable[..., Any]) -> None:
    rows = opsvi("models", "--json", env={"OPSVI_MODEL": "echo"}).json
    assert [row["id"] for row in rows if row["default"]] == ["echo/echo"]


def test_one_that_fails_does_not_hide_the_others(opsvi: Callable[..., Any], fault_server: Any) -> None:
    for fault, says in (("500-forever", "(500)"), ("html-200", "text/html"), ("json-null", "another shape")):
        done = opsvi("models", "--json", env=openai_at(fault_server.url(fault)))
        assert done.code == 3
        assert [row["provider"] for row in done.json] == ["echo"] * 3
        assert says in done.err


def test_asked_by_name(opsvi: Callable[..., Any], fault_server: Any) -> None:
    assert opsvi("models", "openai").code == 4
    assert opsvi("models", "openai", env=openai_at(fault_server.url("401-echoes-key"), OPENAI_API_KEY="sk-x")).code == 4
    unknown = opsvi("models", "zzz")
    assert unknown.code == 2
    assert "there are: azure, deepseek, echo" in unknown.err


def test_servers_of_ones_own_are_asked_only_when_they_are_set_up(opsvi: Callable[..., Any], fault_server: Any) -> None:
    """None of the local presets is running: asked, each would be an error."""
    assert opsvi("models").err == ""
    assert opsvi("models", "lmstudio", env={"OPSVI_PROVIDERS__LMSTUDIO__BASE_URL": "http://127.0.0.1:9/v1"}).code == 1
    default = opsvi("models", env={"OPSVI_MODEL": "vllm/x", "OPSVI_PROVIDERS__VLLM__BASE_URL": "http://127.0.0.1:9/v1"})
    assert (default.code, "vllm at http://127.0.0.1:9/v1" in default.err) == (3, True)
    done = opsvi("models", "--json", env={"OPSVI_PROVIDERS__OLLAMA__BASE_URL": fault_server.url("ok")})
    assert [row["id"] for row in done.json if row["provider"] == "ollama"] == ["ollama/m-a", "ollama/m-b"]


def test_a_server_with_a_name_of_ones_own(opsvi: Callable[..., Any], fault_server: Any) -> None:
    env = {
        "OPSVI_PROVIDERS__MYBOX__PRESET": "vllm",
        "OPSVI_PROVIDERS__MYBOX__BASE_URL": fault_server.url("ok"),
        "OPSVI_PROVIDERS__MYBOX__TOOLS": "false",
        "OPSVI_PROVIDERS__OTHER__BASE_URL": fault_server.url("ok"),  # no preset: settings of a plugin, perhaps
        "OPENAI_API_KEY": "sk-of-openai-0123456789",
    }
    rows = opsvi("models", "mybox", "--json", env=env).json
    assert [row["id"] for row in rows] == ["mybox/m-a", "mybox/m-b"]
    assert rows[0]["capabilities"] == ["images", "reasoning", "schema", "stream", "usage"]
    assert opsvi("prompt", "hi", "-m", "mybox/m-a", env=env).out == "Hello from the server.\n"
    assert "authorization" not in fault_server.last().headers
    assert opsvi("prompt", "hi", "-m", "other/m-a", env=env).code == 2
    wrong = opsvi("prompt", "hi", "-m", "mybox/m", env={**env, "OPSVI_PROVIDERS__MYBOX__PRESET": "nope"})
    assert (wrong.code, "there is no preset 'nope'" in wrong.err) == (2, True)
    embedder = {"OPSVI_PARTS__MYBOX__PRESET": "vllm", "OPSVI_PARTS__MYBOX__MODEL": "m"}
    there = {"OPSVI_PARTS__MYBOX__BASE_URL": fault_server.url("ok"), "OPSVI_PARTS__MYBOX__BASE64": "false"}
    assert opsvi("embed", "text", "--embedder", "mybox", env={**embedder, **there}).code == 0


def test_a_preset_cannot_take_the_name_of_a_part_that_is_there(opsvi: Callable[..., Any]) -> None:
    env = {"OPSVI_PROVIDERS__ECHO__PRESET": "vllm"}
    assert opsvi("prompt", "hi", "-m", "echo", env=env).out == "hi\n"


@pytest.mark.parametrize(
    "args", [("prompt", "hi", "-m", "anthropic/some"), ("prompt", "hi", "-m", "anthropic"), ("models", "anthropic")]
)
def test_a_provider_of_a_plugin_that_is_not_installed_says_what_to_install(opsvi: Any, args: tuple[str, ...]) -> None:
    done = opsvi(*args, env={"OPSVI_NO_PLUGINS": "1"})
    assert done.code == 2
    assert done.err == "opsvi: there is no provider 'anthropic'\nhint: opsvi plugins install opsvi-anthropic\n"
    doctor = opsvi("doctor", "--json", env={"OPSVI_NO_PLUGINS": "1", "OPSVI_MODEL": "gguf/some"}).json
    (check,) = [row for row in doctor if row["name"] == "model"]
    assert (check["status"], check["hint"]) == ("error", "opsvi plugins install opsvi-llamacpp")


def test_the_parts_that_are_known_to_be_elsewhere_are_those_of_the_plugins() -> None:
    from opsvi_cli.plugin_host.bundled import BUNDLED

    found = {}
    for path in sorted((Path(__file__).resolve().parents[2] / "plugins").glob("*/src/*/plugin.py")):
        for kind, name in re.findall(r"registry\.(\w+)\(\s*\"([\w-]+)\"", path.read_text(encoding="utf-8")):
            found[kind, name] = path.parents[2].name
    assert found == BUNDLED
