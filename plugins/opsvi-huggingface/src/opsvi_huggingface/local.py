"""Provider `huggingface-local`: a chat model in a folder, run in this process by transformers. No network.

PyTorch is imported with the first request. A model is loaded once a run.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from opsvi_cli.sdk import (
    Finish,
    ModelInfo,
    ModelRequest,
    PluginError,
    ProviderError,
    Server,
    Services,
    StreamEvent,
    TextDelta,
    Usage,
    UsageError,
    chat_messages,
)

from .generation import Generation, Loaded

_SECTION = "providers.huggingface-local"
_MOST_TOKENS = 1024


class LocalTransformers:
    """Settings `providers.huggingface-local`: model (a folder, or a name in the library's cache), device, dtype,
    max_tokens (of an answer when the request names no number)."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def capabilities(self, model: str) -> frozenset[str]:
        return frozenset({"stream", "usage"})

    def models(self) -> list[ModelInfo]:
        """The model of the settings."""
        model = self._text("model")
        return [ModelInfo(model, self._services.name, self.capabilities(model))] if model else []

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """Events of one answer. Closing the iterator stops the model within a token."""
        name = self._services.name
        if not request.model:
            raise UsageError(f"{name}: no model is named", hint=f"-m {name}/FOLDER")
        if request.options:
            raise UsageError(f"{name} has no options for {', '.join(request.options)}")
        server = Server(name, request.model, "this machine")
        messages = chat_messages(request.messages, server)
        loaded = _load(request.model, self._text("device"), self._text("dtype") or "auto", server)
        most = request.max_tokens or self._max_tokens()
        generation = Generation(loaded, messages, most, request.temperature, server, self._services.remaining)
        try:
            for text in generation.texts():
                if text:
                    yield TextDelta(text)
            reason, read, written = generation.end()
            yield Finish(reason, Usage(read, written))
        finally:
            generation.stop()

    def _text(self, key: str) -> str:
        value = self._services.options.get(key, "")
        if not isinstance(value, str):
            raise UsageError(f"{_SECTION}.{key}: {value!r} is not text", hint=f"opsvi config set {_SECTION}.{key} TEXT")
        return value

    def _max_tokens(self) -> int:
        value = self._services.options.get("max_tokens", _MOST_TOKENS)
        number = int(value) if isinstance(value, str) and value.isdecimal() else value
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            key = f"{_SECTION}.max_tokens"
            raise UsageError(f"{key}: {value!r} is no number of tokens", hint=f"opsvi config set {key} {_MOST_TOKENS}")
        return number


_loading = threading.Lock()


def _load(model: str, device: str, dtype: str, server: Server) -> Loaded:
    with _loading:
        return _loaded(model, device, dtype, server)


@functools.lru_cache(maxsize=2)
def _loaded(model: str, device: str, dtype: str, server: Server) -> Loaded:
    """Raises ProviderError for a model that is not here or cannot be read, PluginError without PyTorch."""
    library = _library()
    place = str(Path(model).expanduser())
    known: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(place, **known)
        network = library.AutoModelForCausalLM.from_pretrained(place, dtype=dtype, use_safetensors=True, **known)
        if device:
            network = network.to(device)
    except OSError as error:
        raise ProviderError(
            f"{server.label}: there is no such model: {server.clean(_first_line(error))}",
            kind="not-found",
            hint="give a folder with config.json, a tokenizer and weights as safetensors",
        ) from error
    except Exception as error:  # the library raises whatever a damaged file leads to
        raise ProviderError(
            f"{server.label}: the model cannot be loaded: {server.clean(_first_line(error))}",
            kind="bad-response",
            hint="it may be damaged, too large for the memory, or need another version of transformers",
        ) from error
    if not tokenizer.chat_template:
        raise UsageError(f"{server.label}: the model has no chat template", hint="take one that is made for chat")
    network.eval()
    return Loaded(tokenizer, network)


def _library() -> Any:
    """The transformers module, told to be quiet and to stay off the network."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        import torch  # noqa: F401  # transformers alone says so only much later
        import transformers
        from transformers.utils import logging
    except ImportError as error:
        raise PluginError(
            f"transformers cannot be imported: {_first_line(error)}", hint="pip install 'opsvi-huggingface[local]'"
        ) from error
    logging.disable_progress_bar()
    return transformers


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
