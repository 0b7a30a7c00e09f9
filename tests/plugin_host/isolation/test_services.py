"""What a part is handed in its own process: options, secrets, log, deadline, HTTP, all of them opsvi's."""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import CredentialsError, NetworkError, PluginError
from opsvi_cli.global_options import GlobalOptions

Act = Callable[..., Any]


@pytest.fixture
def act(app: AppContext, zoo: Path) -> Act:
    """Have the tool of the zoo do something in its process: `act("secret", reference="env:X")`."""
    tool = app.part("tool", "zoo", {"model": "m", "list": [1, {"a": None}]})
    return lambda do, **arguments: tool.call({"do": do, **arguments})


def test_name_options_and_folders(app: AppContext, act: Act) -> None:
    about = act("about")
    assert about["name"] == "zoo"
    assert about["options"] == {"model": "m", "list": [1, {"a": None}]}
    assert (about["data_dir"], about["cache_dir"]) == (str(app.paths.data), str(app.paths.cache))


def test_secrets_are_resolved_here(app: AppContext, act: Act) -> None:
    app.env["ZOO_KEY"] = "k3y-of-the-user"  # type: ignore[index]
    assert act("secret", reference="env:ZOO_KEY") == "k3y-of-the-user"
    assert act("secret", reference="zoo:known") == "s3cret-of-the-zoo"  # its own store, while it waits
    with pytest.raises(CredentialsError) as caught:
        act("secret", reference="env:ZOO_NONE")
    assert "ZOO_NONE" in caught.value.message


def test_the_rest_of_the_time(app: AppContext, act: Act) -> None:
    assert act("remaining") is None
    app.options = GlobalOptions(timeout=1000)
    left = act("remaining")
    assert left is not None
    assert 0 < left <= 1000


def test_the_log_is_that_of_opsvi(app: AppContext, act: Act, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, int, str]] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append((record.name, record.levelno, record.getMessage()))

    ear = Ear()
    app.log.addHandler(ear)
    act("log")
    app.log.removeHandler(ear)
    assert heard == [("opsvi.zoo", logging.WARNING, "heard 2")]


def test_what_it_prints_goes_to_stderr_and_its_stdin_is_empty(
    zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    out, err = io.StringIO(), io.StringIO()
    app = AppContext(out=out, err=err, env={**os.environ, "ZOO_TOKEN": "t0ken-of-the-user"}, cwd=str(tmp_path))
    try:
        assert app.part("tool", "zoo").call({"do": "print"}) == ""
    finally:
        app.close()
    assert out.getvalue() == ""
    assert sorted(err.getvalue().splitlines()) == ["printed by the plugin", "written to descriptor 1"]


class Web(BaseHTTPRequestHandler):
    """Echoes a POST; /moved redirects; /cut breaks off."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/moved":
            self.send_response(307)
            self.send_header("location", "/here")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        if self.path == "/away":
            self.send_response(307)
            self.send_header("location", "http://example.invalid/")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        answer = b"%s %s %s" % (self.path.encode(), body, self.headers["user-agent"].partition("/")[0].encode())
        answer += b" " + self.headers["x-zoo"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b"short")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_http_requests_are_made_by_opsvi(act: Act, web: str) -> None:
    answer = act("fetch", url=f"{web}/x", private=True)
    assert answer == {"status": 200, "text": "/x body opsvi 1", "url": f"{web}/x"}


def test_a_redirect_is_followed_behind_the_same_guard(act: Act, web: str) -> None:
    assert act("fetch", url=f"{web}/moved", private=True)["url"] == f"{web}/here"
    with pytest.raises(NetworkError, match=r"redirects to http://example\.invalid/: not followed"):
        act("fetch", url=f"{web}/away", private=True)


def test_a_private_address_is_refused(act: Act, web: str) -> None:
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1 is a private address: not fetched"):
        act("fetch", url=f"{web}/x")


def test_what_fails_on_the_way_is_the_exception_of_httpx2_there(act: Act, web: str) -> None:
    assert act("fetch_failing", url=f"{web}/cut") == f"RemoteProtocolError for {web}/cut"
    assert act("fetch_failing", url="http://127.0.0.1:1/") == "ConnectError for http://127.0.0.1:1/"


def test_without_httpx2_the_error_says_what_to_declare(isolate: Callable[..., Any], app: AppContext) -> None:
    source = """
        OPSVI_API = "1.0"
        from opsvi_cli.sdk import hookimpl
        class Fetch:
            def __init__(self, services): self.services = services
            def get(self, name): return self.services.http().get(name).text
        @hookimpl
        def opsvi_register(registry): registry.secret_store("fetch", "fetch_plugin:Fetch", help="x")
    """
    isolate("fetch", source)
    with pytest.raises(PluginError, match=r"'fetch' .* its environment has no httpx2") as caught:
        app.part("secret_store", "fetch").get("x")
    assert caught.value.hint == "add httpx2 to the plugin's dependencies"
