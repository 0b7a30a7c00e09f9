"""The official OpenAI SDK as opsvi uses it: guarded HTTP client, no retries of its own, keys looked up late.

Shared by the `openai` provider and embedder. The SDK is imported when a client is made.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opsvi_cli.sdk import CredentialsError, Services, UsageError

from .openai_errors import Server, translate

if TYPE_CHECKING:
    import httpx2
    from openai import OpenAI

DEFAULT_URL = "https://api.openai.com/v1"


@dataclass(frozen=True)
class Connection:
    """Where a part sends its requests, and as whom. `key` is empty when none is needed."""

    name: str
    base_url: str
    key: str
    organization: str
    timeout: float | None

    def server(self, model: str) -> Server:
        return Server(self.name, model, self.base_url, self.key)


def connection(services: Services) -> Connection:
    """Read base_url, api_key, organization, timeout of the part. Raises UsageError, CredentialsError."""
    base_url = str(services.options.get("base_url") or DEFAULT_URL).rstrip("/")
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{services.name}: base_url {base_url!r} is not an http or https URL",
            hint=f"opsvi config set providers.{services.name}.base_url https://HOST/v1",
        )
    if parts.username or parts.password:
        raise UsageError(
            f"{services.name}: base_url must hold no credentials", hint=f"opsvi secrets set {services.name}"
        )
    timeout = services.options.get("timeout")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0):
        raise UsageError(f"{services.name}: timeout {timeout!r} is not a number of seconds")
    return Connection(
        name=services.name,
        base_url=base_url,
        key=_key(services, parts.hostname),
        organization=str(services.options.get("organization") or ""),
        timeout=timeout,
    )


def _key(services: Services, host: str) -> str:
    """The setting's reference, else the environment, else the stored secret; nothing for a server of one's own."""
    if reference := str(services.options.get("api_key") or ""):
        return _clean(services, services.secret(reference))
    for reference in ("env:OPENAI_API_KEY", services.name):
        key = ""
        with contextlib.suppress(CredentialsError):
            key = services.secret(reference)
        if key:
            return _clean(services, key)
    if is_private(host):
        return ""
    raise CredentialsError(
        f"{services.name}: there is no key for {host}",
        hint=f"`opsvi secrets set {services.name}` stores one; or set OPENAI_API_KEY",
    )


def _clean(services: Services, key: str) -> str:
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise CredentialsError(
            f"{services.name}: the key holds characters that no key has",
            hint=f"store it again: opsvi secrets set {services.name}",
        )
    return key


def is_private(host: str) -> bool:
    """True for hosts of this machine or the local network, by their spelling alone."""
    name = host.rstrip(".").lower()
    if name.endswith((".localhost", ".local", ".internal")) or not set(name) & set(".:"):
        return True  # a name without a dot is of this machine, its containers or the local network
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        return False


@contextlib.contextmanager
def open_client(services: Services, where: Connection) -> Iterator[OpenAI]:
    """A client whose connections are closed at the end, which also cancels a request under way."""
    from openai import OpenAI

    with services.http(allow_private=True, timeout=where.timeout) as http:
        if not where.key:
            http.event_hooks = {**http.event_hooks, "request": [_without_key]}
        yield OpenAI(
            api_key=where.key or "none",  # the SDK insists on one, or takes that of the environment
            base_url=where.base_url,
            organization=where.organization or None,
            max_retries=0,
            timeout=http.timeout,
            http_client=http,
        )


def _without_key(request: httpx2.Request) -> None:
    request.headers.pop("authorization", None)


@contextlib.contextmanager
def errors_translated(server: Server) -> Iterator[None]:
    """Whatever the SDK, the HTTP client or a strange answer raises becomes ProviderError or CredentialsError."""
    try:
        yield
    except Exception as error:  # answers of servers can break the SDK anywhere
        translated = translate(error, server)
        if translated is error:
            raise
        raise translated from error
