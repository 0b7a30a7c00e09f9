"""Bodies are counted, cut and checked; statuses, silence and the deadline end a fetch with a clear error."""

from __future__ import annotations

import gzip
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx2
import pytest
from servers.web_site import Site, page, running, send

from opsvi_cli.errors import DeadlineError, NetworkError
from opsvi_cli.foundation.http import TransientError, fetch, guarded_client
from opsvi_cli.foundation.http import fetch_client as client_of
from opsvi_cli.foundation.schema import Http, Root


def fetch_client(http: Http, remaining: Callable[[], float | None] | None = None) -> httpx2.Client:
    return client_of(Root(http=http), remaining)


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


def test_a_stream_of_events_may_be_longer_than_each_of_its_lines(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long answer is a hundred times as many bytes when each of its words comes in an event."""
    monkeypatch.setattr("opsvi_cli.foundation.http.API_MAX_STREAM", 300_000)
    line = b"data: " + b"x" * 1000 + b"\n\n"
    many, too_many, long = line * 250, line * 350, b"data: " + b"x" * 150_000
    site.pages["/many"] = page(many, content_type="text/event-stream")
    site.pages["/gzip"] = page(gzip.compress(many), content_type="text/event-stream", content_encoding="gzip")
    site.pages["/too-many"] = page(gzip.compress(too_many), content_type="text/event-stream", content_encoding="gzip")
    site.pages["/long"] = page(gzip.compress(long), content_type="text/event-stream", content_encoding="gzip")
    site.pages["/other"] = page(many, content_type="application/json")
    with guarded_client(Http(), allow_private=True, max_bytes=100_000) as client:
        for path in ("/many", "/gzip"):
            assert client.get(site.url + path).content == many
        for path, most in (("/too-many", 300_000), ("/long", 100_000), ("/other", 100_000)):
            with pytest.raises(NetworkError, match=f"{path} sends more than {most} bytes"):
                client.get(site.url + path)
    documents = fetch_client(Http(allow_private=True, max_bytes=100_000))  # a document is no stream
    with documents as client, pytest.raises(NetworkError, match="sends more than 100000 bytes"):
        fetch(client, f"{site.url}/many")


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"text " * 100, mtime=0)),
        ("gzip", gzip.compress(b"text " * 50, mtime=0) + gzip.compress(b"text " * 50, mtime=0)),
        ("deflate", zlib.compress(b"text " * 100)),
        ("deflate", zlib.compress(b"text " * 100, wbits=-15)),
        ("identity", b"text " * 100),
    ],
)
def test_encodings(encoding: str, packed: bytes, site: Site) -> None:
    site.pages["/"] = page(packed, content_encoding=encoding)
    with fetch_client(Http(allow_private=True)) as client:
        assert fetch(client, f"{site.url}/").data == b"text " * 100
    assert site.headers[0]["accept-encoding"] == "gzip, deflate"


def test_bodies_are_counted_after_decompression(site: Site) -> None:
    bomb = gzip.compress(bytes(50_000_000), mtime=0)
    assert len(bomb) < 100_000
    site.pages["/bomb"] = page(bomb, content_encoding="gzip")
    site.pages["/long"] = page(b"x" * 200_000)
    site.pages["/fits"] = page(b"x" * 100_000)
    site.pages["/twice"] = page(gzip.compress(bomb, mtime=0), content_encoding="gzip, gzip")
    site.pages["/br"] = page(b"?", content_encoding="br")
    with fetch_client(Http(allow_private=True, max_bytes=100_000)) as client:
        assert len(fetch(client, f"{site.url}/fits").data) == 100_000
        for path in ("/bomb", "/long"):
            with pytest.raises(NetworkError, match="more than 100000 bytes"):
                fetch(client, site.url + path)
        for path in ("/twice", "/br"):
            with pytest.raises(NetworkError, match="an encoding that was not asked for"):
                fetch(client, site.url + path)


def test_damaged_and_cut_bodies(site: Site) -> None:
    packed = gzip.compress(b"text " * 1000, mtime=0)
    site.pages["/damaged"] = page(packed[:20] + b"\xff" * 20, content_encoding="gzip")
    site.pages["/cut"] = page(packed[:-10], content_encoding="gzip")

    def short(h: BaseHTTPRequestHandler) -> None:
        h.send_response(200)
        h.send_header("content-length", "100")
        h.end_headers()
        h.wfile.write(b"only this")
        h.close_connection = True

    site.pages["/short"] = short
    with fetch_client(Http(allow_private=True)) as client:
        for path in ("/damaged", "/cut", "/short"):
            with pytest.raises(NetworkError, match="cannot be fetched"):
                fetch(client, site.url + path)


def test_a_body_without_a_length_is_counted(site: Site) -> None:
    def endless(h: BaseHTTPRequestHandler) -> None:
        h.send_response(200)
        h.send_header("connection", "close")
        h.end_headers()
        while True:
            h.wfile.write(b"x" * 10_000)

    site.pages["/"] = endless
    with fetch_client(Http(allow_private=True, max_bytes=50_000)) as client, pytest.raises(NetworkError, match="more"):
        fetch(client, f"{site.url}/")


def limited(seconds: float) -> Callable[[], float | None]:
    end = time.monotonic() + seconds

    def remaining() -> float:
        left = end - time.monotonic()
        if left <= 0:
            raise DeadlineError("time is over")
        return left

    return remaining


def test_the_deadline_ends_a_drip(site: Site) -> None:
    gone = threading.Event()

    def drip(h: BaseHTTPRequestHandler) -> None:
        h.send_response(200)
        h.send_header("connection", "close")
        h.end_headers()
        try:
            while True:
                h.wfile.write(b".")
                h.wfile.flush()
                time.sleep(0.02)
        except OSError:
            gone.set()

    site.pages["/"] = drip
    with fetch_client(Http(allow_private=True), limited(0.3)) as client, pytest.raises(DeadlineError):
        fetch(client, f"{site.url}/")
    assert gone.wait(10)


def test_the_deadline_ends_a_slow_resolver() -> None:
    release = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        release.wait(30)
        return ["127.0.0.1"]

    client = guarded_client(Http(connect_timeout=20.0), remaining=limited(0.2), resolve=resolve)
    with client, pytest.raises(DeadlineError):
        fetch(client, "http://slow.test/")
    release.set()


def test_silence_is_a_timeout(site: Site) -> None:
    release = threading.Event()
    site.pages["/"] = lambda h: release.wait(30) and None
    client = fetch_client(Http(allow_private=True, read_timeout=0.2))
    with client, pytest.raises(TransientError, match=r"no answer within 0.2 s \(http.read_timeout\)"):
        fetch(client, f"{site.url}/")
    release.set()


@pytest.mark.parametrize(
    ("status", "says", "transient"),
    [
        (401, "wants a log-in", False),
        (403, "wants a log-in", False),
        (404, "is not there", False),
        (410, "is not there", False),
        (418, "status 418", False),
        (204, "status 204", False),
        (429, "not available now (429) and asks to wait 7 s", True),
        (503, "not available now (503)", True),
    ],
)
def test_statuses(status: int, says: str, transient: bool, site: Site) -> None:
    site.pages["/"] = page(b"", status=status, retry_after="7")
    with fetch_client(Http(allow_private=True)) as client, pytest.raises(NetworkError) as caught:
        fetch(client, f"{site.url}/")
    assert says in caught.value.message
    assert isinstance(caught.value, TransientError) is transient
    assert caught.value.details["status"] == status


def test_unchanged_pages_and_things_that_are_no_documents(site: Site) -> None:
    site.pages["/same"] = lambda h: send(h, b"", status=304 if h.headers["if-none-match"] == '"v1"' else 500)
    site.pages["/film"] = page(b"...", "video/mp4")
    with fetch_client(Http(allow_private=True)) as client:
        same = fetch(client, f"{site.url}/same", {"if-none-match": '"v1"'})
        assert (same.status, same.data) == (304, b"")
        with pytest.raises(NetworkError, match="video/mp4: not a document"):
            fetch(client, f"{site.url}/film")


def test_an_unknown_host_and_a_closed_port() -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    with (
        guarded_client(Http(), resolve=unknown) as client,
        pytest.raises(TransientError, match="is not known"),
    ):
        fetch(client, "http://x.test/")
    with fetch_client(Http(allow_private=True)) as client, pytest.raises(TransientError, match="refused"):
        fetch(client, "http://127.0.0.1:1/")


def test_the_second_address_is_tried(site: Site) -> None:
    site.pages["/"] = page(b"x")
    client = guarded_client(Http(), allow_private=True, resolve=lambda host, port: ["127.0.0.2", "127.0.0.1"])
    with client:
        assert fetch(client, f"http://two.test:{site.port}/").data == b"x"


def test_fetch_is_retried(site: Site, tmp_path: Any) -> None:
    from opsvi_cli.foundation.resilience import Resilience
    from opsvi_cli.foundation.schema import Resilience as Settings

    answers = [503, 429, 200]
    site.pages["/"] = lambda h: send(h, b"at last", status=answers.pop(0), retry_after="0")
    resilience = Resilience(Settings(retries=2), tmp_path)
    with fetch_client(Http(allow_private=True)) as client:
        assert fetch(client, f"{site.url}/", resilience=resilience).data == b"at last"
        answers[:] = [404, 200]
        with pytest.raises(NetworkError, match="not there"):
            fetch(client, f"{site.url}/", resilience=resilience)
    assert len(site.seen) == 4
