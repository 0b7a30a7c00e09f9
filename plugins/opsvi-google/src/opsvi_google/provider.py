"""Provider `google`: Gemini models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opsvi_cli.sdk import ModelInfo, ModelRequest, Services, StreamEvent, UsageError

from .client import google_connection, open_client
from .contents import make_config, make_contents, system_text, thinks
from .events import read_events

_ABLE = frozenset({"stream", "tools", "schema", "images", "files", "usage"})
_PAGE = 1000
_MOST_PAGES = 20


class Google:
    """Settings `providers.google`: base_url, api_key (a reference), timeout, model, thoughts (true or false)."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._signatures: dict[str, bytes] = {}

    def check(self) -> None:
        """Raises UsageError, CredentialsError for a setting that is wrong, and a key that is missing."""
        google_connection(self._services)

    def capabilities(self, model: str) -> frozenset[str]:
        return _ABLE | {"reasoning"} if self._thoughts(model) else _ABLE

    def models(self) -> list[ModelInfo]:
        """Those that generate text, by name."""
        where = google_connection(self._services)
        server = where.server("")
        found: dict[str, ModelInfo] = {}
        with open_client(self._services, where, server) as client:
            pager = client.models.list(config={"page_size": _PAGE})
            for _page in range(_MOST_PAGES):
                for model in pager.page:
                    name = (model.name or "").removeprefix("models/")
                    if name and "generateContent" in (model.supported_actions or ["generateContent"]):
                        found[name] = ModelInfo(
                            name, self._services.name, self.capabilities(name), model.input_token_limit or None
                        )
                if not pager.config.get("page_token"):
                    break
                pager.next_page()
            else:
                raise server.bad_response("the list of models does not end")
        return [found[name] for name in sorted(found)]

    def stream(self, request: ModelRequest) -> Iterator[StreamEvent]:
        """Events of one answer. Closing the iterator closes the connection."""
        self._check(request)
        where = google_connection(self._services)
        server = where.server(request.model)
        with open_client(self._services, where, server) as client:
            config = make_config(self._services.name, request, thoughts=self._thoughts(request.model))
            contents = make_contents(self._services.name, request.model, request.messages, self._signatures)
            asked: dict[str, Any] = {"model": request.model, "contents": contents, "config": config}
            if request.stream:
                yield from read_events(client.models.generate_content_stream(**asked), server, self._signatures)
            else:
                yield from read_events([client.models.generate_content(**asked)], server, self._signatures)

    def count_tokens(self, request: ModelRequest) -> int:
        """Input tokens of the request, with system prompt and tools, as the server counts them."""
        self._check(request)
        where = google_connection(self._services)
        server = where.server(request.model)
        with open_client(self._services, where, server) as client:
            wire = self._wire(request)
            counted = client.models.count_tokens(
                model=request.model,
                contents="replaced",  # the SDK wants some, the API one or the other
                config={"http_options": {"extra_body": {"contents": [], "generateContentRequest": wire}}},
            )
            if counted.total_tokens is None:
                raise server.bad_response("the answer holds no count of tokens")
            return counted.total_tokens

    def _wire(self, request: ModelRequest) -> dict[str, Any]:
        """The parts of a request that cost input tokens, as JSON. The SDK itself counts nothing but the contents."""
        contents = make_contents(self._services.name, request.model, request.messages, self._signatures)
        model = request.model if "/" in request.model else f"models/{request.model}"
        body: dict[str, Any] = {
            "model": model,
            "contents": [content.model_dump(mode="json", by_alias=True, exclude_none=True) for content in contents],
        }
        if system := system_text(request.messages):
            body["systemInstruction"] = {"parts": [{"text": system}]}
        if request.tools:
            body["tools"] = [
                {
                    "functionDeclarations": [
                        {"name": t.name, "description": t.description, "parametersJsonSchema": dict(t.parameters)}
                        for t in request.tools
                    ]
                }
            ]
        return body

    def _thoughts(self, model: str) -> bool:
        wanted = self._services.options.get("thoughts")
        return thinks(model) if not isinstance(wanted, bool) else wanted

    def _check(self, request: ModelRequest) -> None:
        if not request.model:
            name = self._services.name
            raise UsageError(f"{name}: no model is named", hint=f"-m {name}/MODEL; `opsvi models {name}` lists them")
