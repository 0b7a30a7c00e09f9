"""What `opsvi prompt` reads beside its text: documents as context, images and PDF files to send along."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.foundation.terminal import plain
from opsvi_cli.llm.prompting import MAX_ATTACHMENT, NamedText, attachment_type
from opsvi_cli.sdk import Attachment, Source

from .extract import ExtractOptions, extract
from .sources import load_one
from .walk import EMPTY

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

MOST_FILES = 1000
MOST_MATCHES = 10 * MOST_FILES
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|file:", re.ASCII)
_WEB = re.compile(r"https?://", re.IGNORECASE)
_MAGIC = re.compile(r"[*?[]")


def read_files(app: AppContext, given: Sequence[str]) -> list[NamedText]:
    """The text of files, URLs and globs, in order, by the readers of `opsvi extract`; `-` is standard input.

    Raises OpsviError for the first that cannot be read: a question about half of the files is not what was asked. Only
    empty files that a glob found are left out, and said.
    """
    if not given:
        return []
    globbed: set[str] = set()
    sources = tuple(dict.fromkeys(source for arg in given for source in _expanded(arg, app.cwd, globbed)))
    if len(sources) > MOST_FILES:
        raise _too_many()
    found: list[NamedText] = []
    empty: list[str] = []
    for source, result in extract(app, ExtractOptions(sources)):
        if isinstance(result, OpsviError):
            reason = result.message.removeprefix(f"{source}: ")
            if reason == EMPTY and source in globbed:
                empty.append(source)
                continue
            result.message = f"--file {source}: {reason}"
            raise result
        text = "\n\n".join(row["text"].strip("\n") for row in result)
        found.append(NamedText("stdin" if source == "-" else source, text))
    if empty:
        more = f" and {len(empty) - 1} more" if len(empty) > 1 else ""
        app.warn(plain(f"--file: {empty[0]}{more} left out: empty"))
    return found


def _expanded(arg: str, cwd: str, globbed: set[str]) -> Iterator[str]:
    """The files that a glob names, in order, which are put into `globbed` too; anything else is itself."""
    if arg == "-" or _URL.match(arg) or (arg and os.path.lexists(os.path.join(cwd, arg))):
        if arg != "-" and os.path.isdir(os.path.join(cwd, arg)):
            raise UsageError(f"--file {arg} is a folder", hint=f"a glob names its files: -f '{arg.rstrip('/')}/**/*'")
        yield arg
        return
    if not _MAGIC.search(arg):
        raise UsageError(f"--file {arg!r}: no such file", hint="check the path")
    names = []
    for name in glob.iglob(arg, root_dir=cwd, recursive=True):
        names.append(name)
        if len(names) > MOST_MATCHES:
            raise _too_many()
    # Links to folders can name one file many times over; its shortest name is kept.
    files: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (name.count(os.sep), name)):
        if os.path.isfile(path := os.path.join(cwd, name)):
            files.setdefault(os.path.realpath(path), name)
    if not files:
        what = "only folders" if names else "no file"
        raise UsageError(f"--file {arg!r} matches {what}", hint="`**/*.md` also looks into folders; check the path")
    globbed.update(files.values())
    yield from sorted(files.values())


def _too_many() -> UsageError:
    return UsageError(f"--file: more than {MOST_FILES} files", hint="ingest them and ask `opsvi query`")


def read_attachments(app: AppContext, given: Sequence[str]) -> tuple[list[Attachment], list[NamedText]]:
    """Images and PDF files as they are; text files as context. Files, URLs, or `-` for the bytes of standard input.

    Raises UsageError for anything else, OpsviError for what cannot be read.
    """
    attachments: list[Attachment] = []
    texts: list[NamedText] = []
    for arg in given:
        source = _attached(app, arg)
        if len(source.data) > MAX_ATTACHMENT:
            raise UsageError(f"--attach {arg}: larger than {MAX_ATTACHMENT} bytes", hint="attach a part of it")
        if media_type := attachment_type(source.data):
            attachments.append(Attachment(source.name, media_type, source.data))
        elif (text := _text(source.data)) is not None:
            texts.append(NamedText(source.name, text))
        else:
            raise UsageError(
                f"--attach {arg}: neither an image, PDF nor UTF-8 text",
                hint="images are PNG, JPEG, GIF and WebP; --file reads other documents",
            )
    return attachments, texts


def _attached(app: AppContext, arg: str) -> Source:
    """The bytes of an attachment; pages are fetched through the same guard as documents, and may be images."""
    if _WEB.match(arg):
        from opsvi_cli.foundation.http import fetch, fetch_client

        with fetch_client(app.settings, app.remaining) as client:
            page = fetch(client, arg, resilience=app.foundation.resilience, images=True)
        return Source(arg, os.path.basename(page.url.partition("?")[0].rstrip("/")), page.data)
    if arg != "-" and not _URL.match(arg) and not (arg and os.path.lexists(os.path.join(app.cwd, arg))):
        raise UsageError(f"--attach {arg!r}: no such file", hint="check the path")
    return load_one(app, arg)


def _text(data: bytes) -> str | None:
    try:
        return None if b"\0" in data else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
