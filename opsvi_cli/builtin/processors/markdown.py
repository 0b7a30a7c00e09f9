"""Markdown: kept word for word; front matter becomes metadata, headings become sections."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Any

from opsvi_cli.sdk import JSON, Document, Services, Source

from .decoding import decode_text, plain_lines
from .headings import Heading, plain_title, sections

MAX_FRONT_MATTER = 100_000


class Markdown:
    """Reads CommonMark with YAML or TOML front matter."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def read(self, source: Source) -> Iterator[Document]:
        """Yields one document. Front matter that cannot be read stays in the text, with a warning."""
        text = plain_lines(decode_text(source.data, source.name).text)
        metadata, body, warnings = split_front_matter(text)
        found = find_headings(body)
        title = metadata.get("title")
        if not isinstance(title, str) or not title.strip():
            title = next((heading.title for heading in found if heading.level == 1), "")
        yield Document(
            body,
            title=" ".join(title.split()),
            media_type="text/markdown",
            metadata=metadata,
            sections=sections(found, len(body)),
            warnings=warnings,
        )


def find_headings(text: str) -> list[Heading]:
    """ATX and setext headings where CommonMark sees them: not in code, quotes or HTML blocks."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    parser.core.ruler.disable("inline")  # only blocks are wanted: links and emphasis cost most of the time
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    tokens = parser.parse(text)
    found: list[Heading] = []
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0 and token.map:
            title = plain_title(tokens[index + 1].content)
            if title:
                found.append(Heading(int(token.tag[1]), title, starts[min(token.map[0], len(starts) - 1)]))
    return found


def split_front_matter(text: str) -> tuple[dict[str, JSON], str, tuple[str, ...]]:
    """(metadata, the text below it, warnings)."""
    for fence, load in (("---", _yaml), ("+++", _toml)):
        if not text.startswith(fence + "\n"):
            continue
        end = text.find(f"\n{fence}\n", len(fence))
        if end < 0 and text.endswith("\n" + fence):
            end = len(text) - len(fence) - 1
        if not 0 < end < MAX_FRONT_MATTER:
            return {}, text, ()
        try:
            loaded = load(text[len(fence) + 1 : end + 1])
        except ValueError as error:
            return {}, text, (f"the front matter cannot be read: {error}",)
        if not isinstance(loaded, dict):  # a page that begins with a rule, not with front matter
            return {}, text, ()
        body = text[end + len(fence) + 2 :]
        return {str(key): _json(value) for key, value in loaded.items()}, body.lstrip("\n"), ()
    return {}, text, ()


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


def _yaml(text: str) -> Any:
    """Raises ValueError also for aliases: a few lines of them expand to gigabytes."""
    import yaml

    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=yaml.SafeLoader)):
            raise ValueError("it uses YAML aliases")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error).splitlines()[0]) from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _json(value: Any) -> JSON:
    """YAML and TOML know dates and more; JSON does not."""
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_json(item) for item in value]
    if value is None or isinstance(value, (str, int, bool)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
