"""`opsvi models`: every provider that is set up, one failure does not hide the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
from server_fixtures import fault_server

__all__ = ["fault_server"]
GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def openai_at(url: str, **env: str) -> dict[str, str]:
    return {"OPSVI_PROVIDERS__OPENAI__BASE_URL": url, "OPSVI_RESILIENCE__RETRIES": "0", **env}


def test_without_a_key_nobody_is_asked(opsvi: Callable[..., Any]) -> None:
    done = opsvi("models", "--json")
    assert (done.code, done.err) == (0, "")
    assert [row["id"] for row in done.json] == ["echo/echo", "echo/slow"]
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
        assert [row["provider"] for row in done.json] == ["echo", "echo"]
        assert says in done.err


def test_asked_by_name(opsvi: Callable[..., Any], fault_server: Any) -> None:
    assert opsvi("models", "openai").code == 4
    assert opsvi("models", "openai", env=openai_at(fault_server.url("401-echoes-key"), OPENAI_API_KEY="sk-x")).code == 4
    unknown = opsvi("models", "nope")
    assert unknown.code == 1
    assert "providers: echo, openai" in unknown.err
