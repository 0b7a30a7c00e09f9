"""What `opsvi prompt` reads beside its text: documents as context, images and PDF files to send along."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.llm.prompting import MAX_ATTACHMENT, NamedText, attachment_type
from opsvi_cli.sdk import Attachment, Source

from .extract import ExtractOptions, extract
from .sources import load_one

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

MOST_FILES = 1000
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|file:", re.ASCII)
_WEB = re.compile(r"https?://", re.IGNORECASE)
_MAGIC = re.compile(r"[*?[]")


def read_files(app: AppContext, given: Sequence[str]) -> list[NamedText]:
    """The text of files, URLs and globs, in order, by the readers of `opsvi extract`; `-` is standard input.

    Raises OpsviError for the first that cannot be read: a question about half of the files is not what was asked.
    """
    if not given:
        return []
    sources = tuple(dict.fromkeys(source for arg in given for source in _expanded(arg, app.cwd)))
    if len(sources) > MOST_FILES:
        raise UsageError(f"--file: more than {MOST_FILES} files", hint="ingest them and ask `opsvi query`")
    found: list[NamedText] = []
    for source, result in extract(app, ExtractOptions(sources)):
        if isinstance(result, OpsviError):
            result.message = f"--file {source}: {result.message.removeprefix(f'{source}: ')}"
            raise result
        text = "\n\n".join(row["text"].strip("\n") for row in result)
        found.append(NamedText("stdin" if source == "-" else source, text))
    return found


def _expanded(arg: str, cwd: str) -> Iterator[str]:
    """The files that a glob names, in order; anything else is itself."""
    if arg == "-" or _URL.match(arg) or os.path.lexists(os.path.join(cwd, arg)):
        yield arg
        return
    if not _MAGIC.search(arg):
        raise UsageError(f"--file {arg}: no such file", hint="check the path")
    names = sorted(glob.iglob(arg, root_dir=cwd, recursive=True))
    files = [name for name in names if os.path.isfile(os.path.join(cwd, name))]
    if not files:
        what = "only folders" if names else "no file"
        raise UsageError(f"--file {arg!r} matches {what}", hint="`**/*.md` also looks into folders; check the path")
    yield from files


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
                f"--attach {arg}: neither an image, PDF nor UTF-8 text", hint=f"--file {arg} gives its text"
            )
    return attachments, texts


def _attached(app: AppContext, arg: str) -> Source:
    """The bytes of an attachment; pages are fetched through the same guard as documents, and may be images."""
    if _WEB.match(arg):
        from opsvi_cli.foundation.http import fetch, fetch_client

        with fetch_client(app.settings, app.remaining) as client:
            page = fetch(client, arg, resilience=app.foundation.resilience, images=True)
        return Source(arg, os.path.basename(page.url.partition("?")[0].rstrip("/")), page.data)
    if arg != "-" and not _URL.match(arg) and not os.path.lexists(os.path.join(app.cwd, arg)):
        raise UsageError(f"--attach {arg}: no such file", hint="check the path")
    return load_one(app, arg)


def _text(data: bytes) -> str | None:
    try:
        return None if b"\0" in data else data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
