"""Which address is asked, and what goes there beside the request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from servers.openai_spec import DOCUMENT, answer

from opsvi_cli.errors import UsageError
from opsvi_cli.sdk import Message, ModelRequest
from opsvi_cli.testing import SpecServer

Make = Callable[..., Any]


def ask(part: Any) -> list[Any]:
    return list(part.stream(ModelRequest("m", [Message("user", "Hello")], stream=False)))


def test_the_account_at_openai_is_told_to_no_other_server(part: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-openai")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-openai")
    with SpecServer(DOCUMENT, {"POST /chat/completions": answer()}) as server:
        for name in ("openai", "groq"):
            ask(part("provider", name, base_url=server.url))
        ask(part("provider", "groq", base_url=server.url, organization="mine"))
    headers = [request.headers for request in server.requests]
    assert "of-openai" not in str([list(one.items()) for one in headers])
    assert headers[2]["openai-organization"] == "mine"


@pytest.mark.parametrize("rest", ["?api-version=1", "#here"])
def test_a_base_url_ends_with_its_path(rest: str, part: Make) -> None:
    with pytest.raises(UsageError, match="goes on after its path") as caught:
        ask(part("provider", "vllm", base_url=f"http://localhost:1/v1{rest}"))
    assert caught.value.hint.endswith(" http://localhost:1/v1")


def test_the_address_of_an_azure_deployment_is_no_base_url(part: Make) -> None:
    url = "https://some.openai.azure.com/openai/deployments/gpt/chat/completions"
    with pytest.raises(UsageError, match="-m azure/DEPLOYMENT") as caught:
        ask(part("provider", "azure", base_url=url))
    assert "providers.azure.base_url https://NAME.openai.azure.com" in caught.value.hint
