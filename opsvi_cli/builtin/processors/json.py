"""JSON as lines of `path: value`, which read and retrieve well; JSON lines as one document a line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from opsvi_cli.sdk import JSON, Document, DocumentError, Services, Source

from .decoding import decode_text, plain_lines

TEXT_FIELDS = ("text", "content", "body")
ID_FIELDS = ("_id", "id")
MAX_DIGITS = 4000
"""Python refuses to convert longer integers; they are kept as text."""
MAX_VALUE = 1000
"""Characters of a value that is still metadata."""
MAX_WARNINGS = 20


class Json:
    """Reads one JSON value. A file of several lines of JSON under this name is read as JSON lines."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def read(self, source: Source) -> Iterator[Document]:
        """Yields one document, or one a line. Raises DocumentError for binary data and for too deep nesting."""
        text = plain_lines(decode_text(source.data, source.name).text)
        try:
            value = load(text)
        except RecursionError as error:
            raise _too_deep(source.name) from error
        except ValueError as error:
            if _looks_like_lines(text):
                yield from read_lines(text, source.name)
                return
            warning = f"not valid JSON ({error}): read as plain text"
            yield Document(text, media_type="application/json", warnings=(warning,))
            return
        metadata = scalars(value) if isinstance(value, dict) else {}
        title = _title(value)
        yield Document("\n".join(_flatten(value)), title=title, media_type="application/json", metadata=metadata)


class JsonLines:
    """Reads JSON lines: each is a document with `text`, `title`, `_id`, and metadata."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def read(self, source: Source) -> Iterator[Document]:
        """Yields a document a line. A bad line becomes a warning. Raises DocumentError when no line can be read."""
        yield from read_lines(plain_lines(decode_text(source.data, source.name).text), source.name)


def load(text: str) -> Any:
    """Raises ValueError, RecursionError. NaN and infinities, which JSON does not have, become their names."""
    return json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=str)


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_DIGITS else digits


def _number(digits: str) -> float | str:
    value = float(digits)
    return value if math.isfinite(value) else digits


def read_lines(text: str, name: str) -> Iterator[Document]:
    """The first document carries the warnings of all lines."""
    documents: list[Document] = []
    problems: list[str] = []
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = load(line)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            problems.append(f"line {number} is not JSON: {reason}")
            continue
        document = _line_document(value, number)
        if document.id and document.id in seen:
            problems.append(f"line {number} has the id {document.id!r} of an earlier line: kept under its line number")
            document = _line_document(value, number, with_id=False)
        seen.add(document.id)
        documents.append(document)
    if not documents:
        raise DocumentError(
            f"{name}: {problems[0] if problems else 'no lines'}", hint="JSON lines hold one JSON object a line"
        )
    if len(problems) > MAX_WARNINGS:
        problems = [*problems[:MAX_WARNINGS], f"and {len(problems) - MAX_WARNINGS} more lines"]
    first = documents[0]
    documents[0] = Document(
        first.text,
        title=first.title,
        media_type=first.media_type,
        metadata=first.metadata,
        part=first.part,
        id=first.id,
        warnings=tuple(problems),
    )
    yield from documents


def _line_document(value: Any, number: int, *, with_id: bool = True) -> Document:
    place = f"line:{number}"
    if not isinstance(value, dict):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return Document(text, media_type="application/jsonl", part=place, metadata={"line": number})
    fields: dict[str, Any] = dict(value)
    text_field = next((key for key in TEXT_FIELDS if isinstance(fields.get(key), str) and fields[key].strip()), "")
    text = fields.pop(text_field) if text_field else json.dumps(value, ensure_ascii=False)
    identity = ""
    if with_id:
        key = next((key for key in ID_FIELDS if _is_id(fields.get(key))), "")
        identity = str(fields.pop(key)).strip() if key else ""
    title = fields.pop("title") if isinstance(fields.get("title"), str) else ""
    nested = fields.pop("metadata") if isinstance(fields.get("metadata"), dict) else {}
    metadata: dict[str, JSON] = {**nested, **fields, "line": fields.get("line", number)}
    return Document(
        plain_lines(text),
        title=" ".join(title.split()),
        media_type="application/jsonl",
        metadata=metadata,
        part=identity or place,
        id=identity,
    )


def _is_id(value: object) -> bool:
    return (isinstance(value, str) and bool(value.strip())) or (isinstance(value, int) and not isinstance(value, bool))


def _looks_like_lines(text: str) -> bool:
    lines = [line for line in text.split("\n", 50)[:50] if line.strip()]
    if len(lines) < 2 or not lines[0].lstrip().startswith("{"):
        return False
    try:
        return isinstance(load(lines[0]), dict)
    except (ValueError, RecursionError):
        return False


def _too_deep(name: str) -> DocumentError:
    return DocumentError(f"{name} is nested too deeply", hint="JSON of more than about a thousand levels is not read")


def _title(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    for key in ("title", "name", "subject"):
        if isinstance(value.get(key), str) and 0 < len(value[key]) < 300:
            return " ".join(value[key].split())
    return ""


def scalars(value: Mapping[str, Any]) -> dict[str, JSON]:
    """The plain values of an object's own fields, for filters."""
    plain = (str, int, float, bool)
    return {
        key: item
        for key, item in list(value.items())[:100]
        if isinstance(item, plain) and not (isinstance(item, str) and len(item) > MAX_VALUE) and len(key) < 100
    }


def _flatten(root: Any) -> Iterator[str]:
    """`a.b[0].c: value` a line; a blank line before each object of a list. Without recursion."""
    stack: list[tuple[str, Any]] = [("", root)]
    first = True
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict) and value:
            if path.endswith("]") and not first:
                yield ""
            stack.extend((f"{path}.{key}" if path else str(key), value[key]) for key in reversed(value))
        elif isinstance(value, list) and value:
            if all(not isinstance(item, (dict, list)) for item in value) and path:
                yield f"{path}: {', '.join(_scalar(item) for item in value)}"
            else:
                stack.extend((f"{path}[{index}]", value[index]) for index in range(len(value) - 1, -1, -1))
            continue
        else:
            shown = "" if isinstance(value, (dict, list)) else _scalar(value)
            yield f"{path}: {shown}".rstrip() if path else shown
        first = False


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
