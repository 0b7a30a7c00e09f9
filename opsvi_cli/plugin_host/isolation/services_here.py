"""In opsvi: what the parts of an isolated plugin are handed, so that they can call it from their process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opsvi_cli.sdk import Services

from .wire import Reference

if TYPE_CHECKING:
    import httpx2


class ServicesHere:
    """The surface `services`. `offer` makes an object callable from the child."""

    def __init__(self, services: Services, offer: Callable[[str, Any], Reference]) -> None:
        self._services = services
        self._offer = offer

    def secret(self, reference: str) -> str:
        return self._services.secret(reference)

    def remaining(self) -> float | None:
        return self._services.remaining()

    def log(self, level: int, text: str) -> None:
        """One record of the part's log."""
        self._services.log.log(int(level), "%s", text)

    def http(self, allow_private: bool, timeout: float | None) -> _Http:
        client = self._services.http(allow_private=bool(allow_private), timeout=timeout)
        return _Http(client, self._offer)


class _Http:
    """The surface `http`: the guarded client."""

    def __init__(self, client: httpx2.Client, offer: Callable[[str, Any], Reference]) -> None:
        self._client = client
        self._offer = offer

    @property
    def defaults(self) -> dict[str, Any]:
        client = self._client
        return {
            "headers": dict(client.headers),
            "timeout": client.timeout.as_dict(),
            "max_redirects": client.max_redirects,
        }

    def send(
        self, method: str, url: str, headers: list[tuple[str, str]], body: bytes, timeout: Mapping[str, Any]
    ) -> dict[str, Any]:
        """One request, no redirect followed: the client in the child asks again, and meets the guard again.

        Raises NetworkError for what the guard refuses; what fails on the way is told by the name of its exception.
        """
        import httpx2

        try:
            request = self._client.build_request(
                method, url, headers=headers, content=body, extensions={"timeout": dict(timeout)}
            )
            response = self._client.send(request, stream=True, follow_redirects=False)
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            return _failed(error)
        headers = list(response.headers.multi_items())
        return {
            "status": response.status_code,
            "headers": headers,
            "body": self._offer("http_body", _Body(response)),
        }


class _Body:
    """The surface `http_body`."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    def pieces(self) -> Iterator[bytes | dict[str, Any]]:
        import httpx2

        try:
            yield from self._response.iter_raw()
        except httpx2.RequestError as error:
            yield _failed(error)

    def close(self) -> None:
        self._response.close()


def _failed(error: Exception) -> dict[str, Any]:
    return {"failed": type(error).__name__, "text": str(error)}
