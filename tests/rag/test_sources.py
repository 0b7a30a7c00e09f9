"""Arguments to sources: what is found, what is left out, and why."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from opsvi_cli.context import AppContext
from opsvi_cli.errors import DocumentError, UsageError
from opsvi_cli.rag.sources import NotModified, SourceOptions, expand, load_one, locate
from opsvi_cli.rag.walk import Scope, SkippedSource, on_disk, storable
from opsvi_cli.sdk import Source


class _Stdin(io.TextIOWrapper):
    def __init__(self, data: bytes, *, tty: bool = False) -> None:
        super().__init__(io.BytesIO(data))
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty


@pytest.fixture
def app(home: Path, tmp_path: Path) -> Callable[..., AppContext]:
    def make(stdin: bytes | None = None, *, tty: bool = False, **env: str) -> AppContext:
        source = _Stdin(stdin or b"", tty=tty)
        return AppContext(
            out=io.StringIO(), err=io.StringIO(), stdin=source, env={**os.environ, **env}, cwd=str(tmp_path)
        )

    return make


def named(found: Iterator[Any]) -> dict[str, Any]:
    return {item.uri.rpartition("/")[2]: item for item in found}


def test_a_folder_gives_its_files_sorted_and_no_hidden_ones(app: Any, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    (docs / "b").mkdir(parents=True)
    (docs / ".hid").mkdir()
    for name in ("z.md", "a.md", "b/x.md", ".secret", ".hid/y.md"):
        (docs / name).write_text("text")
    found = [item.uri.removeprefix(f"{docs}/") for item in expand(app(), ["docs"], SourceOptions())]
    assert found == ["a.md", "b/x.md", "z.md"]
    found = [item.uri.removeprefix(f"{docs}/") for item in expand(app(), ["docs"], SourceOptions(hidden=True))]
    assert found == [".hid/y.md", ".secret", "a.md", "b/x.md", "z.md"]


def test_nothing_is_read_before_it_is_asked_for(app: Any, tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("old")
    found = expand(app(), ["."], SourceOptions(include=("*.md",)))
    assert next(found).data == b"old"
    (tmp_path / "b.md").write_text("new")
    assert next(found).data == b"new"


def test_what_is_no_regular_file_is_skipped_with_a_reason(app: Any, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    os.mkfifo(docs / "fifo")
    (docs / "link").symlink_to("/etc/passwd")
    (docs / "loop").symlink_to(docs)
    (docs / "empty.md").touch()
    (docs / "x.zip").write_bytes(b"PK")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.relpath(docs / "sock"))
    found = named(expand(app(), [str(docs), "/dev/zero"], SourceOptions()))
    listener.close()
    reasons = {name: item.reason for name, item in found.items() if isinstance(item, SkippedSource)}
    assert set(reasons) == {"fifo", "link", "loop", "empty.md", "x.zip", "sock", "zero"}
    assert "FIFO" in reasons["fifo"]
    assert "link" in reasons["link"]
    assert "socket" in reasons["sock"]
    assert "device" in reasons["zero"]
    assert reasons["empty.md"] == "empty"
    assert "archive" in reasons["x.zip"]


def test_a_fifo_or_link_that_took_a_files_place_is_not_opened(app: Any, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("a.md", "b.md", "c.md"):
        (docs / name).write_text("text")
    (tmp_path / "outside").write_text("private")
    found = expand(app(), ["docs"], SourceOptions())
    next(found)
    (docs / "b.md").unlink()
    os.mkfifo(docs / "b.md")
    (docs / "c.md").unlink()
    (docs / "c.md").symlink_to(tmp_path / "outside")
    assert [type(item) for item in found] == [SkippedSource, SkippedSource]


def test_files_over_the_limit_are_skipped(app: Any, tmp_path: Path) -> None:
    (tmp_path / "big.txt").write_bytes(b"x" * 101)
    (tmp_path / "fits.txt").write_bytes(b"x" * 100)
    found = named(expand(app(OPSVI_INGEST__MAX_FILE_BYTES="100"), ["big.txt", "fits.txt"], SourceOptions()))
    assert "max_file_bytes" in found["big.txt"].reason
    assert isinstance(found["fits.txt"], Source)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_unreadable_files_and_folders_fail(app: Any, tmp_path: Path) -> None:
    (tmp_path / "docs/closed").mkdir(parents=True)
    (tmp_path / "docs/secret.md").write_text("x")
    (tmp_path / "docs/secret.md").chmod(0)
    (tmp_path / "docs/closed").chmod(0)
    scopes: list[Scope] = []
    found = named(expand(app(), ["docs"], SourceOptions(), scopes))
    (tmp_path / "docs/closed").chmod(0o700)
    assert {item.status for item in found.values()} == {"failed"}
    assert scopes[0].problem


def test_names_that_are_no_utf8_can_be_stored_and_found_again(app: Any, tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/docs/caf\xe9\n.md"
    (tmp_path / "docs").mkdir()
    with open(raw, "w") as file:
        file.write("text")
    (source,) = expand(app(), ["docs"], SourceOptions())
    assert source.uri.encode("utf-8")
    assert os.fsencode(on_disk(source.uri)) == raw
    assert storable("/plain/é") == "/plain/é"


def test_missing_paths_fail_and_suggest(app: Any, tmp_path: Path) -> None:
    (tmp_path / "backup.md").write_text("x")
    (found,) = expand(app(), ["bakcup.md"], SourceOptions())
    assert found.status == "failed"
    assert "backup.md" in found.reason


def test_named_files_bypass_the_rules_and_come_once(app: Any, tmp_path: Path) -> None:
    (tmp_path / ".opsviignore").write_text("*.bak\n")
    (tmp_path / "a.bak").write_text("x")
    (tmp_path / "b.md").write_text("x")
    found = [item.uri for item in locate(app(), [".", "a.bak", "./b.md"], SourceOptions(exclude=("*.bak",)))]
    assert found == [str(tmp_path / "b.md"), str(tmp_path / "a.bak")]


def test_settings_and_flags_are_joined(app: Any, tmp_path: Path) -> None:
    for name in ("a.md", "b.txt", "c.log"):
        (tmp_path / name).write_text("x")
    context = app(OPSVI_INGEST__EXCLUDE='["*.log", "home/"]')
    found = [item.uri for item in locate(context, ["."], SourceOptions(exclude=("*.txt",)))]
    assert found == [str(tmp_path / "a.md")]


def test_stdin_needs_a_name_and_no_terminal(app: Any) -> None:
    (source,) = expand(app(b"hello"), ["-"], SourceOptions(name="notes.md"))
    assert (source.uri, source.name, source.data) == ("stdin:notes.md", "notes.md", b"hello")
    for context, args, name in (
        (app(b"x"), ["-"], None),
        (app(b"x"), ["-", "-"], "n"),
        (app(tty=True), ["-"], "n"),
        (app(b"x"), ["a.md"], "n"),
        (app(b"x"), [""], None),
    ):
        with pytest.raises(UsageError):
            list(expand(context, args, SourceOptions(name=name)))


def test_file_urls_and_other_schemes(app: Any, tmp_path: Path) -> None:
    (tmp_path / "a b.md").write_text("x")
    (source,) = expand(app(), [f"file://{tmp_path}/a%20b.md"], SourceOptions())
    assert source.uri == str(tmp_path / "a b.md")
    (other,) = expand(app(), ["ftp://example.org/x"], SourceOptions())
    assert other.status == "failed"
    with pytest.raises(UsageError):
        list(expand(app(), ["file://elsewhere/x"], SourceOptions()))


def test_load_one(app: Any, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("x")
    assert load_one(app(), "a.md").data == b"x"
    assert load_one(app(b"piped"), "-").data == b"piped"
    with pytest.raises(UsageError):
        load_one(app(), ".")
    with pytest.raises(DocumentError):
        load_one(app(), "nope.md")


@pytest.fixture
def site() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/page":
                self.send_error(404)
            elif self.headers.get("If-None-Match") == '"v1"':
                self.send_response(304)
                self.end_headers()
            else:
                self.send_response(200)
                self.send_header("Content-Type", "text/markdown; charset=utf-8")
                self.send_header("ETag", '"v1"')
                self.end_headers()
                self.wfile.write(b"# Page\n\nWords.\n")

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_urls_are_fetched_guarded_and_again_only_when_changed(app: Any, site: str) -> None:
    context = app(OPSVI_HTTP__ALLOW_PRIVATE="true")
    (page,) = expand(context, [f"{site}/page#part"], SourceOptions())
    assert page.uri == f"{site}/page"
    assert page.metadata["etag"] == '"v1"'
    assert page.declared.startswith("text/markdown")
    options = SourceOptions(validators={page.uri: ('"v1"', "")})
    assert list(expand(context, [page.uri], options)) == [NotModified(page.uri)]
    (missing,) = expand(context, [f"{site}/nope"], SourceOptions())
    assert missing.status == "failed"
    (private,) = expand(app(), [f"{site}/page"], SourceOptions())
    assert private.status == "failed"
