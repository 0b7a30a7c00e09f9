"""CSV and its relatives: delimiter, header and encoding found out; small tables as tables, others a record a line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from opsvi_cli.sdk import JSON, Document, DocumentError, Services, Source

from .decoding import decode_text, plain_lines
from .tables import markdown_table

DELIMITERS = ",;\t|"
MAX_FIELD = 1_000_000
"""Characters of one field; a longer one is a quote that was never closed, or no CSV."""
TABLE_CHARACTERS = 1500
TABLE_COLUMNS = 8
_NUMBER = re.compile(r"[-+]?[\d.,\s]*\d%?")
_SEP_LINE = re.compile(r"sep=(.)\n", re.IGNORECASE)


class Csv:
    """Reads delimited tables.

    A table that fits a passage becomes a Markdown table; a larger one a line a record, `header: value; ...`, so that
    every passage cut from it says what its values mean.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    def read(self, source: Source) -> Iterator[Document]:
        """Yields one document; metadata: delimiter, columns, rows, header. Raises DocumentError."""
        decoded = decode_text(source.data.rstrip(b"\0"), source.name)
        text = plain_lines(decoded.text).replace("\0", "").removeprefix("\ufeff")
        delimiter, text = _delimiter(text, source)
        rows, warnings = _rows(text, delimiter, source.name)
        if not rows:
            raise DocumentError(f"{source.name} holds no rows", hint="check that it is the right file")
        header, rows = _header(rows)
        metadata: dict[str, JSON] = {
            "encoding": decoded.encoding,
            "delimiter": delimiter,
            "columns": max(len(header), *(len(row) for row in rows)) if rows else len(header),
            "rows": len(rows),
            "header": list(header[:200]),
        }
        yield Document(_text(header, rows), media_type="text/csv", metadata=metadata, warnings=warnings)


def _delimiter(text: str, source: Source) -> tuple[str, str]:
    """(delimiter, text without a `sep=` line)."""
    if match := _SEP_LINE.match(text):
        return match[1], text[match.end() :]
    if source.media_type == "text/tab-separated-values":
        return "\t", text
    sample = text[:16_384]
    if len(sample) < len(text):
        sample = sample[: sample.rfind("\n") + 1] or sample
    try:
        return csv.Sniffer().sniff(sample, delimiters=DELIMITERS).delimiter, text
    except csv.Error:
        first = sample.partition("\n")[0]
        return max(DELIMITERS, key=first.count), text


def _rows(text: str, delimiter: str, name: str) -> tuple[list[list[str]], tuple[str, ...]]:
    csv.field_size_limit(MAX_FIELD)
    for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
            rows = [[" ".join(cell.split()) for cell in row] for row in reader]
        except csv.Error as error:
            problem = str(error)
            continue
        lost = () if quoting == csv.QUOTE_MINIMAL else ("a quote is never closed: quotes were read as plain text",)
        return [row for row in rows if any(row)], lost
    raise DocumentError(f"{name} cannot be read as CSV: {problem}", hint=f"a field may hold {MAX_FIELD} characters")


def _header(rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """The first row when it looks like names (no numbers, no blanks, no repeats), else `column 1` and so on."""
    first = rows[0]
    names = all(first) and len(set(first)) == len(first) and not any(_NUMBER.fullmatch(cell) for cell in first)
    if names and len(rows) > 1:
        return first, rows[1:]
    return [f"column {number}" for number in range(1, len(first) + 1)], rows


def _text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if len(header) <= TABLE_COLUMNS and sum(len(cell) + 3 for row in rows for cell in row) <= TABLE_CHARACTERS:
        return markdown_table([header, *rows])
    if len(header) == 1:
        return "\n".join(row[0] if row else "" for row in rows)
    return "\n".join(_record(header, row) for row in rows)


def _record(header: Sequence[str], row: Sequence[str]) -> str:
    names = [*header, *(f"column {number}" for number in range(len(header) + 1, len(row) + 1))]
    return "; ".join(f"{name}: {value}" for name, value in zip(names, row, strict=False) if value)
