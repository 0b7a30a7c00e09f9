"""Tool `http_get`: a page of the public internet, through opsvi's guard. An address can carry data out: it asks."""

from __future__ import annotations

from typing import Annotated

from opsvi_cli.sdk import JSON, NetworkError, Services, UsageError, tool

_LONGEST = 100_000
_TEXT = ("text/", "application/json", "application/xml", "application/xhtml", "+json", "+xml")


@tool(side_effects=True)
def http_get(services: Services, url: Annotated[str, "http or https URL at a public address"]) -> dict[str, JSON]:
    """Fetches a text document from a URL and returns its status, media type and text."""
    if not url.lower().startswith(("http://", "https://")) or len(url) > 2000:
        raise UsageError("only http and https URLs of up to 2000 characters are fetched")
    import httpx2

    try:
        with services.http() as client, client.stream("GET", url) as answer:
            kind = answer.headers.get("content-type", "").lower()
            if kind and not any(word in kind for word in _TEXT):
                raise UsageError(f"{kind.split(';')[0][:80]} is no text")
            data = answer.read()
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NetworkError(f"it cannot be fetched: {type(error).__name__}: {str(error)[:200]}") from error
    text = _decoded(data, answer.charset_encoding or "utf-8")
    return {"status": answer.status_code, "type": kind.split(";")[0], "text": text[:_LONGEST]}


def _decoded(data: bytes, charset: str) -> str:
    try:
        text = data.decode(charset, "replace")
    except (LookupError, ValueError):  # the server names what is no character set, or another one than it sends
        text = data.decode("utf-8", "replace")
    if "\0" in text:
        raise UsageError("what the server sends is no text")
    return text
