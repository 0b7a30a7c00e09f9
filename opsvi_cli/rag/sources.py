"""From the arguments of a command to sources: files, folders, URLs, standard input.

`locate` finds them without reading; `read` reads one, whole, and bounded by `ingest.max_file_bytes`; `expand` does
both, one source at a time.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from opsvi_cli.errors import DeadlineError, DocumentError, OpsviError, UsageError
from opsvi_cli.sdk import Source

from .ignore import Globs
from .plain_files import NotRegularError, not_regular, open_regular
from .walk import ARCHIVES, EMPTY, Located, Scope, SkippedSource, storable, walk, why

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

_SUBSTITUTED = re.compile(r"/(?:dev|proc/self)/fd/\d+")
"""A pipe that somebody writes to, as shells hand over `<(command)`; one with a name may have nobody, ever."""
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|file:", re.ASCII)


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """`include`, `exclude`: globs over files of folders. `name`: file name of standard input.

    `validators` holds (ETag, Last-Modified) of URLs as they were when last read.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    name: str | None = None
    password: str | None = None
    validators: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NotModified:
    """A URL whose server says that it is as it was."""

    uri: str


def read_password(app: AppContext, path: Path | None) -> str | None:
    """The first line of a file that opens encrypted documents. Raises UsageError when it cannot be read."""
    if path is None:
        return None
    try:
        text = (Path(app.cwd) / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"--password-file {path}: {reason}") from error
    password = text.split("\n", 1)[0].rstrip("\r")
    app.redactor.learn(password)
    return password


def locate(
    app: AppContext, args: Sequence[str], options: SourceOptions, scopes: list[Scope] | None = None
) -> Iterator[Located | SkippedSource]:
    """Every source once, in the order of `args`; a `Scope` for each argument is appended to `scopes`.

    Raises UsageError for arguments that make no sense together.
    """
    _check(app, args, options)
    settings = app.settings.ingest
    globs = Globs((*settings.include, *options.include), (*settings.exclude, *options.exclude))
    scopes = [] if scopes is None else scopes
    seen: set[str] = set()
    for arg in args:
        for found in _locate_one(app, arg, options, globs, scopes):
            if found.uri not in seen:
                seen.add(found.uri)
                yield found


def _check(app: AppContext, args: Sequence[str], options: SourceOptions) -> None:
    if "" in args:
        raise UsageError("an empty SOURCE", hint="`.` is the current folder")
    dashes = list(args).count("-")
    if dashes > 1:
        raise UsageError("`-` (standard input) can be given once")
    if dashes and not options.name:
        raise UsageError(
            "`-` (standard input) needs a name to be found again under", hint="opsvi ingest - --name notes.md"
        )
    if dashes and app.is_terminal(app.stdin):
        raise UsageError("nothing to read: stdin is a terminal", hint="pipe it in: COMMAND | opsvi ingest - --name X")
    if options.name and not dashes:
        raise UsageError("--name names standard input, and there is no `-`", hint="opsvi ingest - --name notes.md")


def _locate_one(
    app: AppContext, arg: str, options: SourceOptions, globs: Globs, scopes: list[Scope]
) -> Iterator[Located | SkippedSource]:
    if arg == "-":
        yield Located(f"stdin:{options.name}", "stdin", explicit=True)
        return
    if _URL.match(arg):
        scheme = arg.partition(":")[0].lower()
        if scheme != "file":
            if scheme in ("http", "https"):
                uri = arg.partition("#")[0]
                scopes.append(Scope(uri))
                yield Located(uri, "url", explicit=True)
            else:
                yield SkippedSource(arg, f"{scheme}: URLs cannot be read; http, https and file can", "failed")
            return
        arg = _file_url(arg)
    path = os.path.normpath(os.path.join(app.cwd, arg))
    scope = Scope(storable(path))
    scopes.append(scope)
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        missing = isinstance(error, (FileNotFoundError, NotADirectoryError))
        scope.gone = missing
        scope.folder = True  # it may have been one: what lay in it is not taken for gone
        scope.problem = f"{scope.uri}: {_missing(path) if missing else _reason(error)}"
        yield SkippedSource(scope.uri, _missing(path) if missing else _reason(error), "failed")
        return
    if stat.S_ISDIR(mode):
        scope.folder = True
        yield from walk(path, globs, scope, hidden=options.hidden)
    elif stat.S_ISREG(mode):
        yield Located(scope.uri, "file", path, explicit=True)
    else:
        yield SkippedSource(scope.uri, not_regular(mode) + "; pipe it in: ... | opsvi ingest - --name NAME")


def _file_url(url: str) -> str:
    """The path of a file: URL (RFC 8089). Raises UsageError when it is on another host."""
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise UsageError(f"{url} is not a file of this machine", hint="file:///absolute/path")
    return unquote(parts.path, errors="surrogateescape")


def _reason(error: OSError | ValueError) -> str:
    return why(error) if isinstance(error, OSError) else str(error)


def _missing(path: str) -> str:
    from difflib import get_close_matches

    folder, name = os.path.split(path)
    try:
        near = get_close_matches(name, os.listdir(folder), n=1)
    except OSError:
        near = []
    return "no such file or folder" + (f"; did you mean {storable(near[0])!r}?" if near else "")


def read(app: AppContext, located: Located, options: SourceOptions) -> Source | SkippedSource | NotModified:
    """Read one source whole. What cannot or need not be read comes back with its reason."""
    match located.kind:
        case "file":
            return _read_file(located, app.settings.ingest.max_file_bytes)
        case "stdin":
            # One byte more than is allowed, so that `_bounded` sees it.
            data = app.read_stdin_bytes(app.settings.ingest.max_file_bytes + 1)
            name = options.name or "stdin"
            return _bounded(Source(located.uri, os.path.basename(name), data), app.settings.ingest.max_file_bytes)
        case "url":
            return _fetch(app, located.uri, options)


def _fetch(app: AppContext, uri: str, options: SourceOptions) -> Source | SkippedSource | NotModified:
    from opsvi_cli.foundation.http import fetch, fetch_client

    etag, modified = options.validators.get(uri, ("", ""))
    headers = {"if-none-match": etag, "if-modified-since": modified}
    try:
        with fetch_client(app.settings, app.remaining) as client:
            asked = {name: value for name, value in headers.items() if value}
            page = fetch(client, uri, asked, resilience=app.foundation.resilience)
    except DeadlineError:
        raise
    except OpsviError as error:
        gone = error.details.get("status") in (404, 410)
        return SkippedSource(uri, error.message + (f" ({error.hint})" if error.hint else ""), "failed", gone)
    if page.status == 304:
        return NotModified(uri)
    validators = {"etag": page.etag, "last_modified": page.last_modified}
    name = os.path.basename(page.url.partition("?")[0].rstrip("/"))
    declared = page.media_type + (f"; charset={page.charset}" if page.charset else "")
    source = Source(
        uri, name, page.data, declared=declared, metadata={key: value for key, value in validators.items() if value}
    )
    return _bounded(source, app.settings.ingest.max_file_bytes)


def _read_file(located: Located, limit: int) -> Source | SkippedSource:
    if located.uri.lower().endswith(ARCHIVES):
        return SkippedSource(located.uri, "an archive; archives are not unpacked, ingest the files in it")
    try:
        with open_regular(located.path, follow=located.explicit) as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit:
                return SkippedSource(located.uri, _too_large(size, limit))
            data = file.readall() if size else _read_up_to(file.fileno(), limit + 1)
    except NotRegularError as error:
        return SkippedSource(located.uri, str(error))
    except OSError as error:
        return SkippedSource(located.uri, why(error), "failed")
    return _bounded(Source(located.uri, os.path.basename(located.uri), data), limit)


def _read_up_to(descriptor: int, limit: int) -> bytes:
    """Files of /proc say that they have no size; some never end."""
    pieces = bytearray()
    while len(pieces) < limit and (piece := os.read(descriptor, min(1 << 20, limit - len(pieces)))):
        pieces += piece
    return bytes(pieces)


def _bounded(source: Source, limit: int) -> Source | SkippedSource:
    if not source.data.strip():
        return SkippedSource(source.uri, EMPTY)
    if len(source.data) > limit:
        return SkippedSource(source.uri, _too_large(len(source.data), limit))
    return source


def _read_pipe(app: AppContext, arg: str) -> Iterator[Source | SkippedSource]:
    """What a command writes that the shell was given as `<(command)`."""
    from opsvi_cli.foundation.files import read_bytes

    limit = app.settings.ingest.max_file_bytes
    yield _bounded(Source(arg, os.path.basename(arg), read_bytes(Path(arg), arg, limit=limit)), limit)


def _too_large(size: int, limit: int) -> str:
    return f"{size} bytes are more than ingest.max_file_bytes ({limit})"


def expand(
    app: AppContext, args: Sequence[str], options: SourceOptions, scopes: list[Scope] | None = None
) -> Iterator[Source | SkippedSource | NotModified]:
    """The sources that `args` name, each read when it is asked for."""
    for found in locate(app, args, options, scopes):
        yield found if isinstance(found, SkippedSource) else read(app, found, options)


def load_one(app: AppContext, arg: str, name: str | None = None) -> Source:
    """The one source that `arg` names. Raises UsageError for a folder, DocumentError when it cannot be read."""
    if arg != "-" and not _URL.match(arg) and os.path.isdir(os.path.join(app.cwd, arg)):
        raise UsageError(f"{arg} is a folder", hint="name one file in it")
    substituted = _SUBSTITUTED.fullmatch(arg) is not None
    options = SourceOptions(name=(name or "stdin") if arg == "-" else None)
    for found in _read_pipe(app, arg) if substituted else expand(app, [arg], options):
        if isinstance(found, Source):
            return found
        if isinstance(found, SkippedSource):
            hint = "check the path, its rights and `ingest.max_file_bytes`"
            if found.reason == EMPTY:
                hint = "there is nothing in it to read"
            elif _URL.match(arg):
                hint = "check the address"
            raise DocumentError(f"{arg}: {found.reason}", hint=hint)
    raise DocumentError(f"{arg}: nothing to read")
