"""The Messages API of a real llama.cpp server, with a tiny model of random weights."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.sdk import CredentialsError, Finish, Message, ModelRequest, ProviderError, TextDelta


@pytest.fixture
def llama(tmp_path: Path) -> Iterator[Any]:
    if importlib.util.find_spec("server_fixtures") is None:
        pytest.skip("the repository's tests are not here: no real model server")
    from server_fixtures import _llama

    with _llama(tmp_path, "chat") as server:
        yield server


def test_a_real_server(llama: Any, make: Callable[..., Any]) -> None:
    provider = make(llama.url, key=llama.key)
    request = ModelRequest(
        llama.model, [Message("system", "Be brief."), Message("user", "hi")], max_tokens=8, temperature=0
    )
    streamed = list(provider.stream(request))
    text = "".join(event.text for event in streamed if isinstance(event, TextDelta))
    finish = streamed[-1]
    assert isinstance(finish, Finish)
    assert finish.reason in ("stop", "length")
    assert text
    assert finish.usage.input_tokens
    assert finish.usage.output_tokens
    whole = list(provider.stream(ModelRequest(**{**_fields(request), "stream": False})))
    assert "".join(event.text for event in whole if isinstance(event, TextDelta)) == text
    assert provider.count_tokens(request) > 3
    assert [model.id for model in provider.models()] == [llama.model]
    with pytest.raises(ProviderError) as caught:
        list(provider.stream(ModelRequest(llama.model, [Message("user", "word " * 3000)], max_tokens=8)))
    assert caught.value.kind == "context"
    with pytest.raises(CredentialsError):
        list(make(llama.url, key="wrong-key-123456").stream(request))


def _fields(request: ModelRequest) -> dict[str, Any]:
    return {name: getattr(request, name) for name in ("model", "messages", "max_tokens", "temperature")}
