"""How much of a text a model reads at once: the server is asked, and texts are cut to it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from opsvi_cli.sdk import Server, Services

from .serve import BATCH_TOKENS
from .servers import Running

_ROOM = 64
"""Tokens for prefixes and the model's own marks."""


class Reader:
    """Asks the server of one model (`file`) for tokens."""

    def __init__(self, services: Services, server: Running, file: str) -> None:
        self._services, self._server, self._file = services, server, file

    @cached_property
    def most(self) -> int:
        """Tokens."""
        context = int(self._asked("props")["default_generation_settings"]["n_ctx"])
        return max(8, min(context, int(str(self._services.options.get("context") or BATCH_TOKENS))) - _ROOM)

    def beginning(self, text: str, most: int = 0) -> str:
        """As much of the text as fits, or of so many tokens. Raises ProviderError."""
        most = most or self.most
        sendable = text.encode("utf-8", "replace")
        # A token is at least a byte: only texts of more bytes than tokens fit need to be counted.
        if len(sendable) <= most:
            return text
        text = sendable.decode()
        tokens = self._asked("tokenize", {"content": text})["tokens"]
        return text if len(tokens) <= most else str(self._asked("detokenize", {"tokens": tokens[:most]})["content"])

    def _asked(self, what: str, body: dict[str, Any] | None = None) -> Any:
        """What llama.cpp's own endpoints say. Raises ProviderError."""
        url = self._server.url.removesuffix("/v1")
        asked = Server(self._services.name, self._file, url)
        headers = {"authorization": f"Bearer {self._services.secret(self._server.key)}"}
        try:
            with self._services.http(allow_private=True) as client:
                answer = client.request("POST" if body else "GET", f"{url}/{what}", json=body, headers=headers)
                answer.raise_for_status()
                return answer.json()
        except ValueError as error:
            raise asked.bad_response(f"/{what} gave no JSON") from error
        except Exception as error:
            raise asked.http_error(error) or error from error
