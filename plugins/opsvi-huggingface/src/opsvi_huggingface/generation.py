"""One answer of a model in this process: written by a thread, read while it grows, stopped between two tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from opsvi_cli.sdk import DeadlineError, ProviderError, Server


@dataclass(frozen=True)
class Loaded:
    """A tokenizer and a network of transformers."""

    tokenizer: Any
    network: Any


class Generation:
    """Starts with `texts`. `remaining` raises when the time of the run is over."""

    def __init__(
        self,
        loaded: Loaded,
        messages: Sequence[Mapping[str, Any]],
        most: int,
        temperature: float | None,
        server: Server,
        remaining: Callable[[], float | None],
    ) -> None:
        self._loaded = loaded
        self._server = server
        self._remaining = remaining
        self._most = most
        self._temperature = temperature
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed: Exception | None = None
        self._written: Sequence[int] = ()
        self._inputs = self._encode(messages)

    def _encode(self, messages: Sequence[Mapping[str, Any]]) -> Any:
        """The tokens of the conversation. Raises ProviderError when the model cannot read so many."""
        try:
            inputs = self._loaded.tokenizer.apply_chat_template(
                list(messages), add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
        except Exception as error:  # templates are programs of the model's authors
            raise ProviderError(
                f"{self._server.label}: the model's template does not take these messages: {self._server.clean(error)}",
                kind="refused",
                hint="some models take no system prompt, or want user and model by turns",
            ) from error
        read = int(inputs["input_ids"].shape[1])
        window = getattr(self._loaded.network.config, "max_position_embeddings", None)
        if isinstance(window, int):
            if read >= window:
                raise ProviderError(
                    f"{self._server.label}: the text is too long for this model: {read} tokens of {window}",
                    kind="context",
                    hint="send less, or use a model that reads more",
                )
            self._most = min(self._most, window - read)
        return inputs.to(self._loaded.network.device)

    def texts(self) -> Iterator[str]:
        """Pieces of the answer. Raises ProviderError, DeadlineError."""
        from transformers import TextIteratorStreamer

        streamer = TextIteratorStreamer(self._loaded.tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._thread = threading.Thread(target=self._write, args=(streamer,), daemon=True)
        self._thread.start()
        yield from streamer
        self._thread.join()
        if isinstance(self._failed, DeadlineError):
            raise self._failed
        if self._failed is not None:
            raise ProviderError(
                f"{self._server.label}: the model failed: {self._server.clean(self._failed)}",
                kind="bad-response",
                hint="a smaller model, or a shorter text, needs less memory",
            ) from self._failed

    def end(self) -> tuple[Literal["stop", "length"], int, int]:
        """(why the answer ended, tokens read, tokens written). After the last of `texts`."""
        read = int(self._inputs["input_ids"].shape[1])
        written = len(self._written)
        ends = self._loaded.network.generation_config.eos_token_id
        stops = ends if isinstance(ends, list) else [ends]
        ended = bool(written) and self._written[-1] in stops
        return ("length" if written >= self._most and not ended else "stop"), read, written

    def stop(self) -> None:
        """End the thread; it notices before the next token."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _write(self, streamer: Any) -> None:
        import torch
        from transformers import StoppingCriteriaList

        options: dict[str, Any] = {"max_new_tokens": self._most}
        if self._temperature is not None:
            options["do_sample"] = self._temperature > 0
            if self._temperature > 0:
                options["temperature"] = self._temperature
        try:
            with torch.inference_mode():
                tokens = self._loaded.network.generate(
                    **self._inputs,
                    **options,
                    streamer=streamer,
                    stopping_criteria=StoppingCriteriaList([self._must_stop]),
                )
            self._written = tokens[0, self._inputs["input_ids"].shape[1] :].tolist()
        except Exception as error:  # noqa: BLE001  # told by `texts`, in the thread that asked
            self._failed = error
        finally:
            streamer.end()

    def _must_stop(self, tokens: Any, _scores: Any, **_more: Any) -> Any:
        import torch

        self._remaining()
        return torch.full((tokens.shape[0],), self._stopped.is_set(), device=tokens.device, dtype=torch.bool)
