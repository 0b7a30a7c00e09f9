"""What `opsvi extract` does: each source read by itself, its documents as records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsvi_cli.errors import OpsviError, UsageError
from opsvi_cli.sdk import Document, Source

from .extraction import document_id
from .extractor import Extractor
from .sources import load_one, read_password

if TYPE_CHECKING:
    from opsvi_cli.context import AppContext

FIELDS = (
    "source",
    "document_id",
    "title",
    "media_type",
    "part",
    "text",
    "metadata",
    "pages",
    "sections",
    "warnings",
)
_BLOCK_MARKS = re.compile(r"^(?:#{1,6}[ \t]+|(?:>[ \t]?)+|(`{3,}|~{3,}).*$)", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)")
_EMPHASIS = re.compile(r"(\*{1,3}|_{2,3}|`+)(?=\S)([^\n]+?)(?<=\S)\1")
_TABLE_RULE = re.compile(r"^\|(?:[ \t]*:?-{3,}:?[ \t]*\|)+[ \t]*\n?", re.MULTILINE)
_TABLE_ROW = re.compile(r"^\|[ \t]?(.*?)[ \t]?\|[ \t]*$", re.MULTILINE)
_ESCAPED = re.compile(r"\\([^\w\s])")


@dataclass(frozen=True, slots=True)
class ExtractOptions:
    """`name`: file name of standard input. `password_file`: its first line opens encrypted documents."""

    sources: tuple[str, ...]
    name: str | None = None
    password_file: Path | None = None


def extract(app: AppContext, options: ExtractOptions) -> Iterator[tuple[str, list[dict[str, Any]] | OpsviError]]:
    """(argument, records or error) of each source, in order."""
    password = read_password(app, options.password_file)
    if options.name and "-" not in options.sources:
        raise UsageError("--name names standard input, and there is no `-`", hint="opsvi extract - --name notes.md")
    failed: dict[int, OpsviError] = {}
    numbers: list[int] = []

    def load() -> Iterator[Source]:
        for number, arg in enumerate(options.sources):
            try:
                source = load_one(app, arg, options.name)
            except UsageError:
                raise
            except OpsviError as error:
                failed[number] = error
                continue
            numbers.append(number)
            yield replace(source, password=password)

    done = 0
    with Extractor(app) as extractor:
        for source, result in extractor.read_many(load()):
            number = numbers.pop(0)
            yield from _failures(options.sources, failed, done, number)
            done = number + 1
            arg = options.sources[number]
            yield arg, result if isinstance(result, OpsviError) else [record(source.uri, item) for item in result]
    yield from _failures(options.sources, failed, done, len(options.sources))


def _failures(
    args: Sequence[str], failed: dict[int, OpsviError], start: int, end: int
) -> Iterator[tuple[str, OpsviError]]:
    for number in range(start, end):
        if number in failed:
            yield args[number], failed[number]


def record(uri: str, document: Document) -> dict[str, Any]:
    """A document as `--json` shows it."""
    return {
        "source": uri,
        "document_id": document_id(uri, document),
        "title": document.title,
        "media_type": document.media_type,
        "part": document.part,
        "text": document.text,
        "metadata": dict(document.metadata),
        "pages": [asdict(page) for page in document.pages],
        "sections": [{**asdict(section), "path": list(section.path)} for section in document.sections],
        "warnings": list(document.warnings),
    }


def plain_text(markdown: str) -> str:
    """Markdown without its marks: words, line ends and tabs between the cells of tables."""
    text = _BLOCK_MARKS.sub("", _TABLE_RULE.sub("", markdown))
    text = _TABLE_ROW.sub(lambda match: re.sub(r"[ \t]*(?<!\\)\|[ \t]*", "\t", match[1]), text)
    text = _LINK.sub(r"\1", text)
    text = _EMPHASIS.sub(r"\2", text)
    return re.sub(r"\n{3,}", "\n\n", _ESCAPED.sub(r"\1", text))
