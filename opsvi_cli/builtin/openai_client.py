"""The official OpenAI SDK as opsvi uses it: guarded HTTP client, no retries of its own, keys looked up late.

Shared by provider, embedder, reranker and batch jobs of every preset. The SDK is imported when a client is made.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from opsvi_cli.sdk import Connection, Server, Services, UsageError, connection, errors_translated

from .openai_errors import translate
from .openai_presets import OPENAI, PRESETS, Preset, is_own

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAI

_AZURE = "api-key"


def openai_connection(
    services: Services, preset: Preset, section: str = "providers", address: str = "base_url"
) -> Connection:
    """Read base_url (or the setting `address`), api_key, timeout of the part. Raises UsageError, CredentialsError.

    The key of the vendor's variable, or stored under the part's name, is for the vendor's hosts; a preset without a
    vendor has only keys that the user gave to this very server.
    """
    where = connection(
        services,
        preset.base_url,
        variables=(preset.variable,) if preset.variable else (),
        keyless=preset.keyless,
        hosts=preset.hosts or None,
        section=section,
        address=address,
    )
    if preset.key_header != _AZURE:
        return where
    path = urlsplit(where.base_url).path
    if "/deployments/" in path:
        raise UsageError(
            f"{where.name}: base_url names a deployment, which is the model: -m {where.name}/DEPLOYMENT",
            hint=f"opsvi config set {section}.{where.name}.base_url https://NAME.openai.azure.com",
        )
    root = where.base_url if path.endswith(("/openai", "/openai/v1")) else where.base_url + "/openai"
    complete = root.endswith("/v1") or bool(_api_version(services))
    return replace(where, base_url=root if complete else root + "/v1")


def _api_version(services: Services) -> str:
    return str(services.options.get("api_version") or "")


@contextlib.contextmanager
def open_client(services: Services, where: Connection, preset: Preset, model: str = "") -> Iterator[OpenAI]:
    """A client whose connections are closed at the end, which also cancels a request under way.

    Whatever is raised inside becomes ProviderError or CredentialsError. Azure's classic style (with `api_version`) has
    the model in the path.
    """
    from openai import OpenAI

    base_url, query = where.base_url, {}
    if preset.key_header == _AZURE and (version := _api_version(services)):
        if base_url.endswith("/v1"):
            raise UsageError(
                f"{where.name}: api_version is for addresses without /v1",
                hint=f"opsvi config unset providers.{where.name}.api_version",
            )
        query = {"api-version": version}
        base_url = f"{base_url}/deployments/{quote(model, safe='')}" if model else base_url
    headers: dict[str, str] = {preset.key_header: where.key} if where.key and preset.key_header == _AZURE else {}
    with (
        services.http(allow_private=True, timeout=where.timeout) as http,
        errors_translated(where.server(model), translate),
    ):
        if not where.key or headers:
            http.event_hooks = {**http.event_hooks, "request": [*http.event_hooks.get("request", ()), _without_key]}
        client = OpenAI(
            api_key=where.key or "none",  # the SDK insists on one, or takes that of the environment
            base_url=base_url,
            organization=str(services.options.get("organization") or "") or None,
            max_retries=0,
            timeout=http.timeout,
            default_headers=headers,
            default_query=query,
            http_client=http,
        )
        if not is_own(PRESETS[OPENAI], base_url):
            # The SDK takes them from the environment for whoever is asked; they are OpenAI's business.
            client.project = None
            client.organization = client.organization if services.options.get("organization") else None
        yield client


def _without_key(request: httpx2.Request) -> None:
    request.headers.pop("authorization", None)


def check_type(answer: Any, server: Server, wanted: str, what: str) -> None:
    """Raises ProviderError when the server's content type is another one: a log-in page, say."""
    content_type = answer.headers.get("content-type", "")
    if wanted not in content_type:
        getattr(answer, "http_response", answer).close()
        raise server.bad_response(what, content_type=content_type or "none")
