"""Where a part sends its requests and as whom: the same settings for every vendor."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from opsvi_cli.errors import CredentialsError, UsageError

from .parts import Services
from .servers import Server


@dataclass(frozen=True)
class Connection:
    """`key` is empty when none is needed; `timeout` is in seconds, None for the user's `http.read_timeout`.

    `section`: where the part's settings are, `providers` or `parts`. `key_from`: the reference that gave the key.
    """

    name: str
    base_url: str
    key: str
    timeout: float | None
    section: str = "providers"
    key_from: str = ""

    def server(self, model: str) -> Server:
        return Server(self.name, model, self.base_url, self.key, self.section, self.key_from)


def connection(
    services: Services,
    default_url: str,
    *,
    variables: Sequence[str] = (),
    keyless: bool = False,
    hosts: Sequence[str] | None = None,
    section: str = "providers",
    address: str = "base_url",
) -> Connection:
    """Read base_url, api_key (a reference) and timeout of the part.

    Without api_key the environment's `variables` are asked in order, then the key stored under the part's name. A
    server of one's own (a private address), or one that is `keyless`, needs none. With `hosts` (names, or `.ends` of
    names) the key goes to these alone; another server gets the one of api_key. `section`: where the part's settings
    are, for hints. `address`: a setting that goes before base_url. Raises UsageError, CredentialsError.
    """
    base_url = str(services.options.get(address) or services.options.get("base_url") or default_url).rstrip("/")
    if not base_url:
        raise UsageError(
            f"{services.name}: base_url is not set", hint=f"opsvi config set {section}.{services.name}.base_url URL"
        )
    try:
        parts = urlsplit(base_url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not parts.hostname:
        raise UsageError(
            f"{services.name}: base_url {base_url!r} is not an http or https URL",
            hint=f"opsvi config set {section}.{services.name}.base_url https://HOST/v1",
        )
    if parts.username or parts.password:
        raise UsageError(
            f"{services.name}: base_url must hold no credentials", hint=f"opsvi secrets set {services.name}"
        )
    if parts.query or parts.fragment:
        raise UsageError(
            f"{services.name}: base_url goes on after its path: {'?' if parts.query else '#'}...",
            hint=f"give the address without that part: {base_url.partition('?')[0].partition('#')[0]}",
        )
    timeout = services.options.get("timeout")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0):
        raise UsageError(f"{services.name}: timeout {timeout!r} is not a number of seconds")
    own = hosts is None or any(_is_host(parts.hostname, known) for known in hosts)
    key, key_from = _key(services, variables) if own or services.options.get("api_key") else ("", "")
    if not key and not keyless and not is_private(parts.hostname):
        raise _no_key(services.name, parts.hostname, section, variables if own else None)
    return Connection(services.name, base_url, key, timeout, section, key_from)


def _is_host(host: str, known: str) -> bool:
    host = host.rstrip(".").lower()
    return host.endswith(known) if known.startswith(".") else host == known


def _key(services: Services, variables: Sequence[str]) -> tuple[str, str]:
    """(key, reference) of the setting, else the environment, else the stored secret; empty when there is none."""
    if reference := str(services.options.get("api_key") or ""):
        return _clean(services, services.secret(reference)), reference
    for reference in (*(f"env:{name}" for name in variables), services.name):
        key = ""
        with contextlib.suppress(CredentialsError):
            key = services.secret(reference)
        if key:
            return _clean(services, key), reference
    return "", ""


def _no_key(name: str, host: str, section: str, variables: Sequence[str] | None) -> CredentialsError:
    """`variables` is None for a host that is not the vendor's."""
    if variables is None:
        hint = f"opsvi config set {section}.{name}.api_key env:NAME sends it that key; the vendor's own stays with it"
    else:
        setting = f"; or set {variables[0]}" if variables else ""
        hint = f"`opsvi secrets set {name}` stores one{setting}"
    return CredentialsError(f"{name}: there is no key for {host}", hint=hint)


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
