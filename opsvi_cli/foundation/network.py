"""Connections that cannot be led astray: an address is resolved once, checked, and that very address is connected to.

The check sits below the URL, so that every spelling of an address, every redirect and every DNS trick meets it
(server-side request forgery, CWE-918). Each read and write also stops at the run's deadline.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import httpcore2

from opsvi_cli.errors import NetworkError

Resolve = Callable[[str, int], Sequence[str]]
Remaining = Callable[[], float | None]

# Global by the registries, yet each leads to an IPv4 address of the sender's choice (RFC 6052, 8215, 3056, 4380, 4291)
# or into the local network (RFC 3879, 7526).
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10", "192.88.99.0/24")
)
_SLACK = 0.005  # waited past the deadline, so that the clock has surely passed it


def is_public(address: str) -> bool:
    """True for an IPv4 or IPv6 address that anyone on the internet can reach."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if any(ip.version == network.version and ip in network for network in _REFUSED):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def system_resolve(host: str, port: int) -> list[str]:
    """Addresses of a host in the system's order of preference. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _resolve_within(resolve: Resolve, host: str, port: int, seconds: float | None) -> Sequence[str]:
    """The system's resolver knows no time limit: it runs beside, and is left alone when it takes too long."""
    answer: queue.Queue[Sequence[str] | BaseException] = queue.Queue()

    def work() -> None:
        try:
            answer.put(resolve(host, port))
        except (OSError, ValueError) as error:  # ValueError: a name that IDNA cannot encode
            answer.put(error)

    threading.Thread(target=work, daemon=True, name="resolve").start()
    try:
        found = answer.get(timeout=seconds)
    except queue.Empty:
        raise httpcore2.ConnectTimeout(f"{host} was not resolved in time") from None
    if isinstance(found, BaseException) or not found:
        raise httpcore2.ConnectError(f"the name {host} is not known") from (
            found if isinstance(found, BaseException) else None
        )
    return found


class Wait(NamedTuple):
    """Seconds that one step may take; `setting` names what allows more, empty when none does."""

    seconds: float
    setting: str = ""

    def within(self, asked: float | None) -> float:
        """This, or what the request itself asks for when that is shorter."""
        return self.seconds if asked is None else min(self.seconds, asked)

    def over(self, what: str, asked: float | None) -> str:
        """What to say when it took longer."""
        seconds = self.within(asked)
        return f"{what} {seconds:g} s" + (f" ({self.setting})" if self.setting and seconds == self.seconds else "")


@dataclass(frozen=True)
class Waits:
    """How long the steps of a request may take: to connect, until the answer begins, between two pieces of it."""

    connect: Wait
    first_byte: Wait
    idle: Wait


class _Clock:
    """Limits of single operations, never past the deadline of the run."""

    def __init__(self, remaining: Remaining) -> None:
        self._remaining = remaining

    def limit(self, timeout: float | None) -> float | None:
        """Raises DeadlineError when the run has no time left."""
        left = self._remaining()
        if left is None or (timeout is not None and timeout <= left):
            return timeout
        return left + _SLACK

    def check(self) -> None:
        self._remaining()


class DeadlineStream(httpcore2.NetworkStream):
    """A connection whose every operation ends with the run's deadline, however slowly bytes drip in.

    After a request was written the answer must begin within `waits.first_byte`, headers that drip in included. Once
    `answering` was called, each read may take `waits.idle`.
    """

    def __init__(self, inner: httpcore2.NetworkStream, clock: _Clock, waits: Waits) -> None:
        self._inner = inner
        self._clock = clock
        self._waits = waits
        self._answering = False
        self._begun: float | None = None

    def answering(self) -> None:
        """The first piece of the answer's body is there."""
        self._answering = True

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._inner.read(max_bytes, self._clock.limit(self._patience(timeout)))
        except httpcore2.TimeoutException:
            self._clock.check()
            raise httpcore2.ReadTimeout(self._over(timeout)) from None

    def _patience(self, timeout: float | None) -> float:
        """Raises ReadTimeout when the time for the first byte is over."""
        if self._answering:
            return self._waits.idle.within(timeout)
        now = time.monotonic()
        if self._begun is None:
            self._begun = now
        left = self._begun + self._waits.first_byte.within(timeout) - now
        if left <= 0:
            raise httpcore2.ReadTimeout
        return left

    def _over(self, timeout: float | None) -> str:
        if self._answering:
            return self._waits.idle.over("the answer stopped: nothing came for", timeout)
        return self._waits.first_byte.over("no answer within", timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._answering, self._begun = False, None
        try:
            self._inner.write(buffer, self._clock.limit(timeout))
        except httpcore2.TimeoutException:
            self._clock.check()
            raise

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            inner = self._inner.start_tls(ssl_context, server_hostname, self._clock.limit(timeout))
        except httpcore2.TimeoutException:
            self._clock.check()
            raise httpcore2.ConnectTimeout(self._waits.connect.over("no connection within", timeout)) from None
        return DeadlineStream(inner, self._clock, self._waits)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class GuardedBackend(httpcore2.NetworkBackend):
    """Opens TCP connections to checked addresses only. `trusted`: hosts that the user configured (a proxy)."""

    def __init__(
        self,
        *,
        allow_private: bool,
        remaining: Remaining,
        waits: Waits,
        resolve: Resolve = system_resolve,
        trusted: frozenset[str] = frozenset(),
    ) -> None:
        self._allow_private = allow_private
        self._clock = _Clock(remaining)
        self._waits = waits
        self._resolve = resolve
        self._trusted = trusted
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Raises NetworkError when any address of the host is private: a mixed answer is an attack or a mistake."""
        limit = self._waits.connect.within(timeout)
        try:
            addresses = _resolve_within(self._resolve, host, port, self._clock.limit(limit))
            if not self._allow_private and host not in self._trusted:
                for address in addresses:
                    if not is_public(address):
                        raise refused(host, address)
            return self._connect_first(addresses, port, limit, local_address, socket_options)
        except httpcore2.TimeoutException:
            self._clock.check()
            raise httpcore2.ConnectTimeout(self._waits.connect.over("no connection within", timeout)) from None

    def _connect_first(
        self,
        addresses: Sequence[str],
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None,
    ) -> httpcore2.NetworkStream:
        for number, address in enumerate(addresses, 1):
            try:
                stream = self._inner.connect_tcp(
                    address, port, self._clock.limit(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(addresses):
                    raise
            else:
                return DeadlineStream(stream, self._clock, self._waits)
        raise httpcore2.ConnectError("no address to connect to")

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        raise NetworkError(f"{path}: sockets of this machine are not opened", hint="give an http or https URL")


def refused(host: str, address: str) -> NetworkError:
    """The error for a host that leads into a private network."""
    what = "is a private address" if host.strip("[]") == address else f"leads to the private address {address}"
    return NetworkError(
        f"{host} {what}: not fetched",
        hint="if you trust it: opsvi config set http.allow_private true",
    )
