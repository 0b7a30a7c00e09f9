"""In the child: the `sdk.Services` of a part, whose secrets, log, deadline and HTTP are opsvi's, over the pipe."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import JSON, OpsviError, PluginError

from .proxies import Remote

if TYPE_CHECKING:
    import httpx2


class RemoteServices(Remote):
    """opsvi's services of one part."""

    def secret(self, reference: str) -> str:
        return str(self._call("secret", reference))

    def remaining(self) -> float | None:
        left: float | None = self._call("remaining")
        return left

    def log(self, level: int, text: str) -> None:
        self._call("log", level, text)

    def http(self, allow_private: bool, timeout: float | None) -> RemoteHttp:
        client: RemoteHttp = self._call("http", allow_private, timeout)
        return client


class RemoteHttp(Remote):
    """opsvi's guarded client."""

    @property
    def defaults(self) -> Mapping[str, Any]:
        """`headers`, `max_redirects` and `timeout` of the client."""
        found: Mapping[str, Any] = self._get("defaults")
        return found

    def send(
        self, method: str, url: str, headers: list[tuple[str, str]], body: bytes, timeout: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """`status`, `headers` and `body`, or `failed` and `text`: the name of httpx2's exception and what it says."""
        answer: Mapping[str, Any] = self._call("send", method, url, headers, body, timeout)
        return answer


class RemoteBody(Remote):
    """The body of an answer, unpacked."""

    def pieces(self) -> Iterator[Any]:
        """bytes, or a mapping with `failed` and `text` as the last item."""
        return self._stream("pieces")

    def close(self) -> None:
        self._call("close")


class _Forward(logging.Handler):
    """Hands what a part logs to opsvi's log, which redacts it."""

    def __init__(self, services: RemoteServices) -> None:
        super().__init__()
        self._services = services

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        with contextlib.suppress(OpsviError):  # opsvi is gone
            self._services.log(record.levelno, text)


class PartServices:
    """`sdk.Services` in the child."""

    def __init__(
        self,
        name: str,
        options: Mapping[str, JSON],
        folders: tuple[str, str],
        level: int,
        plugin: str,
        services: RemoteServices,
    ) -> None:
        self.name = name
        self.options = options
        self.data_dir, self.cache_dir = (Path(folder) for folder in folders)
        self.log = logging.Logger(f"opsvi.{name}", level)
        self.log.addHandler(_Forward(services))
        self._plugin = plugin
        self._services = services

    def secret(self, reference: str) -> str:
        return self._services.secret(reference)

    def remaining(self) -> float | None:
        return self._services.remaining()

    def http(self, *, allow_private: bool = False, timeout: float | None = None) -> httpx2.Client:
        """A client whose requests opsvi makes. Raises PluginError when the environment has no httpx2."""
        try:
            import httpx2  # noqa: F401  # is it there?
        except ImportError:
            raise PluginError(
                f"plugin {self._plugin!r} (isolated) makes HTTP requests, and its environment has no httpx2",
                hint="add httpx2 to the plugin's dependencies",
            ) from None
        from .http_there import open_client

        return open_client(self._services.http(allow_private, timeout))

    def part(self, kind: str, name: str, options: Mapping[str, JSON]) -> Any:
        """Parts of opsvi live in another process. Raises PluginError."""
        raise PluginError(
            f"plugin {self._plugin!r} (isolated) builds on the {kind} {name!r}, which it cannot reach",
            hint="install it without --isolated",
        )
