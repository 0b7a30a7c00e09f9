"""How many tokens a text is: by the server where it can tell, else the one estimate that all of opsvi uses."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opsvi_cli.errors import OpsviError
from opsvi_cli.sdk import Message, ModelRequest, Provider, TokenCounter
from opsvi_cli.sdk.connections import is_private

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

    from .models import ModelChoice

_WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_OF_A_MESSAGE = 4
_OF_AN_IMAGE = 1000
_PROBE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class TokenCount:
    """`exact`: the server counted; else it is an estimate."""

    tokens: int
    exact: bool


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is: 4 characters each, 1 where the script has no spaces."""
    wide = len(_WIDE.findall(text))
    return wide + (len(text) - wide + 3) // 4


def estimate_request(request: ModelRequest) -> int:
    """About how many tokens the whole of a request is, with its tools and schema; an image counts 1000."""
    tokens = _estimate_messages(request.messages)
    for extra in (request.schema, [dict(t.parameters) for t in request.tools], [t.description for t in request.tools]):
        if extra:
            tokens += estimate_tokens(json.dumps(extra, ensure_ascii=False, default=str))
    return tokens


def _estimate_messages(messages: Sequence[Message]) -> int:
    tokens = 0
    for message in messages:
        tokens += _OF_A_MESSAGE + estimate_tokens(message.text)
        tokens += sum(estimate_tokens(call.name + call.arguments) for call in message.tool_calls)
        for attachment in message.attachments:
            # A PDF or text is read as its text, which is at most what its bytes hold.
            image = attachment.media_type.startswith("image/")
            tokens += _OF_AN_IMAGE if image else max(_OF_AN_IMAGE, len(attachment.data) // 4)
    return tokens


def count_tokens(app: AppContext, choice: ModelChoice, provider: Provider, text: str) -> TokenCount:
    """Count the tokens of a text for a model; an estimate when its server cannot tell, or does not answer."""
    if isinstance(provider, TokenCounter):
        try:
            counted = provider.count_tokens(ModelRequest(choice.model, [Message("user", text)], stream=False))
            return TokenCount(counted, exact=True)
        except OpsviError as error:
            app.log.info("%s does not count tokens: %s", choice.name, error.message)
    url = choice.url(app)
    counted_here = _tokenize(app, choice, url, text) if url else None
    if counted_here is not None:
        return TokenCount(counted_here, exact=True)
    return TokenCount(estimate_tokens(text), exact=False)


def _tokenize(app: AppContext, choice: ModelChoice, url: str, text: str) -> int | None:
    """What llama.cpp's server says at /tokenize; None when the server is not of one's own, or is another."""
    parts = urlsplit(url)
    if not parts.hostname or not is_private(parts.hostname):
        return None
    import httpx2

    services = app.foundation.for_part("provider", choice.provider, choice.options)
    reference = str(services.options.get("api_key") or "")
    try:
        headers = {"Authorization": f"Bearer {services.secret(reference)}"} if reference else {}
        with services.http(allow_private=True, timeout=_PROBE_SECONDS) as http:
            answer = http.post(f"{parts.scheme}://{parts.netloc}/tokenize", json={"content": text}, headers=headers)
            body: Any = answer.json() if answer.status_code == 200 else None
    except (httpx2.HTTPError, OpsviError, ValueError) as error:
        app.log.info("%s: /tokenize: %s", choice.name, error)
        return None
    tokens = body.get("tokens") if isinstance(body, dict) else None
    return len(tokens) if isinstance(tokens, list) else None
