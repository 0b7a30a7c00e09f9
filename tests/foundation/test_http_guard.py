"""No URL, redirect or DNS answer leads into a private network; no body is larger than allowed, however packed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import httpx2
import pytest
from servers.web_site import Site, page, running

from opsvi_cli.errors import NetworkError
from opsvi_cli.foundation.http import fetch, guarded_client, make_client
from opsvi_cli.foundation.http import fetch_client as client_of
from opsvi_cli.foundation.network import is_public
from opsvi_cli.foundation.schema import Http, Root


def fetch_client(http: Http, remaining: Callable[[], float | None] | None = None) -> httpx2.Client:
    return client_of(Root(http=http), remaining)


@pytest.fixture
def site() -> Iterator[Site]:
    with running() as site:
        yield site


def answering(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    return lambda host, port: addresses


PRIVATE = (
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fd00::1",
    "fc00::1",
    "ff02::1",
    "2001:db8::1",
    "100::1",
)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "2a00:1450::1"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


SPELLINGS = (
    "127.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
)


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_loopback_is_reached(host: str, site: Site) -> None:
    site.pages["/"] = page(b"secret")
    with fetch_client(Http()) as client, pytest.raises(NetworkError) as caught:
        fetch(client, f"http://{host}:{site.port}/")
    assert site.seen == []
    if host not in ("localhost.", "0177.0.0.1"):  # no name that resolves; no URL
        assert "private address" in caught.value.message
        assert "http.allow_private" in caught.value.hint


def test_allowed_by_the_setting(site: Site) -> None:
    site.pages["/a"] = page(b"text", "text/plain; charset=UTF-8", etag='"v1"', last_modified="yesterday")
    with fetch_client(Http(allow_private=True)) as client:
        found = fetch(client, f"http://localhost:{site.port}/a#part")
    assert (found.data, found.media_type, found.charset) == (b"text", "text/plain", "utf-8")
    assert (found.url, found.status) == (f"http://localhost:{site.port}/a", 200)
    assert (found.etag, found.last_modified) == ('"v1"', "yesterday")


def test_a_name_with_one_private_address_is_refused(site: Site) -> None:
    client = guarded_client(Http(), resolve=answering("93.184.216.34", "127.0.0.1"))
    with client, pytest.raises(NetworkError, match=r"example\.test leads to the private address 127\.0\.0\.1"):
        fetch(client, f"http://example.test:{site.port}/")
    assert site.seen == []


def test_a_name_is_resolved_once_a_connection(site: Site) -> None:
    """A DNS server that answers differently the second time gains nothing: there is no second time."""
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["93.184.216.34"] if len(asked) > 1 else ["127.0.0.1"]

    site.pages["/"] = page(b"x")
    with guarded_client(Http(), allow_private=True, resolve=resolve) as client:
        fetch(client, f"http://rebind.test:{site.port}/")
    assert asked == ["rebind.test"]


def test_a_redirect_to_a_private_host_is_refused(site: Site) -> None:
    """The first host is trusted by the resolver of the test, the second one is found out."""
    site.pages["/"] = page(b"", status=302, location="http://inner.test/admin")
    site.pages["/admin"] = page(b"secret")
    import opsvi_cli.foundation.network as network

    real = network.is_public
    trusted = {"127.0.0.1"}

    def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"] if host == "outer.test" else ["10.0.0.7"]

    client = guarded_client(Http(), resolve=resolve)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "is_public", lambda address: address in trusted or real(address))
        with client, pytest.raises(NetworkError, match=r"inner\.test leads to the private address 10\.0\.0\.7"):
            fetch(client, f"http://outer.test:{site.port}/")
    assert site.seen == ["/"]


def test_redirects(site: Site) -> None:
    site.pages["/1"] = page(b"", status=302, location="/2")
    site.pages["/2"] = page(b"", status=301, location=f"http://user:pass@localhost:{site.port}/3")
    site.pages["/3"] = page(b"end")
    site.pages["/loop"] = page(b"", status=302, location="/loop")
    site.pages["/file"] = page(b"", status=302, location="file:///etc/passwd")
    site.pages["/odd"] = page(b"", status=302, location="http://[::1/")
    with fetch_client(Http(allow_private=True, max_redirects=3)) as client:
        found = fetch(client, f"{site.url}/1")
        assert (found.data, found.url) == (b"end", f"http://localhost:{site.port}/3")
        with pytest.raises(NetworkError, match="redirects too often"):
            fetch(client, f"{site.url}/loop")
        assert site.seen.count("/loop") == 4
        with pytest.raises(NetworkError, match="only http and https are followed"):
            fetch(client, f"{site.url}/file")
        with pytest.raises(NetworkError, match="redirects to something that is no URL"):
            fetch(client, f"{site.url}/odd")


def test_a_redirect_out_of_https_is_refused() -> None:
    """The guard sees the response, so no certificate is needed."""
    from opsvi_cli.foundation.http import _redirect_guard

    request = httpx2.Request("GET", "https://a.test/x?key=1")
    response = httpx2.Response(302, headers={"location": "http://a.test/x"}, request=request)
    with pytest.raises(NetworkError, match="it leaves https") as caught:
        _redirect_guard(False)(response)
    assert "key=1" not in caught.value.message


def test_a_part_is_not_led_to_another_origin(site: Site) -> None:
    site.pages["/same"] = page(b"", status=307, location="/end")
    site.pages["/end"] = page(b"ok")
    site.pages["/other"] = page(b"", status=307, location=f"http://localhost:{site.port}/end")
    with make_client(Root(), allow_private=True) as client:
        assert client.get(f"{site.url}/same").text == "ok"
        with pytest.raises(NetworkError, match="what was sent would go to another server"):
            client.get(f"{site.url}/other")
    assert site.seen == ["/same", "/end", "/other"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://host/x", "http://", "gopher://x", "//host/x", "x"])
def test_only_http_urls_are_fetched(url: str) -> None:
    with fetch_client(Http(allow_private=True)) as client, pytest.raises(NetworkError):
        fetch(client, url)


def test_credentials_of_a_url_are_not_kept(site: Site) -> None:
    site.pages["/"] = page(b"x")
    with fetch_client(Http(allow_private=True)) as client:
        assert fetch(client, f"http://ann:pw123@127.0.0.1:{site.port}/").url == f"{site.url}/"
        with pytest.raises(NetworkError) as caught:
            fetch(client, f"http://ann:pw123@127.0.0.1:{site.port}/none?token=abc")
    assert "pw123" not in caught.value.message
    assert "abc" not in caught.value.message


def test_the_environment_changes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    site.pages["/"] = page(b"x")
    with fetch_client(Http(allow_private=True)) as client:
        assert fetch(client, f"{site.url}/").data == b"x"


def test_a_configured_proxy_is_used_and_private_hosts_are_still_refused(site: Site) -> None:
    site.pages["http://example.test/page"] = page(b"through the proxy")
    with fetch_client(Http(proxy=site.url)) as client:
        assert fetch(client, "http://example.test/page").data == b"through the proxy"
        for host in ("localhost", "127.0.0.1", "2130706433", "[::1]", "10.0.0.1"):
            with pytest.raises(NetworkError, match="private address"):
                fetch(client, f"http://{host}/")
    assert site.seen == ["http://example.test/page"]


def test_a_private_host_that_is_allowed_is_not_asked_through_the_proxy(site: Site) -> None:
    site.pages["/"] = page(b"direct")
    client = guarded_client(Http(proxy="http://127.0.0.1:9"), allow_private=True)
    with client:
        assert fetch(client, f"http://localhost:{site.port}/").data == b"direct"
