"""Provider `gguf`: a model file, run by llama.cpp on this machine; nothing leaves it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import ModelInfo, ModelRequest, OpsviError, ProviderError, Services, StreamEvent

from .files import find_model, list_files
from .servers import Kept, Running, running_server

if TYPE_CHECKING:
    from opsvi_cli.sdk import Provider

_CAPABILITIES = frozenset({"stream", "tools", "schema", "usage", "reasoning"})


class Gguf:
    """Settings `providers.gguf`: models (a folder), model, context (tokens; 0: the model's own), threads, gpu_layers
    (-1: as many as fit), parallel, keep_alive (seconds that a server stays for later runs), start_timeout."""

    free = True

    def __init__(self, services: Services) -> None:
        self._services = services

    def capabilities(self, model: str) -> frozenset[str]:
        return _CAPABILITIES

    def models(self) -> list[ModelInfo]:
        """The files of the models' folder."""
        return [ModelInfo(name, self._services.name, _CAPABILITIES) for name in list_files(self._services)]

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """Events of one answer. The server is started when it does not run; closing the iterator frees its slot."""
        server = running_server(self._services, find_model(self._services, request.model))
        kept = Kept(server)
        try:
            with contextlib.closing(self._inner(server).stream(replace(request, model="model"))) as events:  # type: ignore[type-var]
                for event in events:
                    kept()
                    yield event
        except OpsviError as error:
            raise _named(error, self._services.name, request.model) from error
        finally:
            server.touch()

    def _inner(self, server: Running) -> Provider:
        """llama.cpp speaks OpenAI's API: the built-in provider does the protocol."""
        options: dict[str, Any] = {"preset": "llama-server", "base_url": server.url, "api_key": server.key}
        if timeout := self._services.options.get("timeout"):
            options["timeout"] = timeout
        provider: Provider = self._services.part("provider", "openai", options)
        return provider


def _named(error: OpsviError, name: str, model: str) -> OpsviError:
    """The user's name for the model in place of the server's."""
    error.message = error.message.replace(f"{name}/model at", f"{name}/{model} at")
    error.args = (error.message,)
    if isinstance(error, ProviderError) and error.kind == "network":
        error.hint = "llama.cpp may have run out of memory: use a smaller model or a shorter context"
    return error
